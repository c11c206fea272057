import inspect
import math

import pytest
import torch
from torch import Tensor

from talkface.metrics.landmarks import (
    LandmarkDistance,
    Region,
    landmark_distance,
    point_distances,
)
from tests import fakes

MOUTH = range(48, 68)


def points(frames: int = 5) -> Tensor:
    return fakes.landmarks(torch.linspace(0.1, 0.9, frames), side=64)


def moved(truth: Tensor, seed: int = 0) -> Tensor:
    return truth + torch.randn(truth.shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize(("region", "chosen"), [("mouth", MOUTH), ("face", range(68))])
def test_distances_are_those_of_a_loop_over_points(
    region: Region, chosen: range, normalize: bool, centered: bool
) -> None:
    truth = points()
    preds = moved(truth)
    found = landmark_distance(preds, truth, region, normalize=normalize, centered=centered)
    for distance, p, q in zip(found.tolist(), preds.tolist(), truth.tolist(), strict=True):
        shift = [sum(p[i][axis] - q[i][axis] for i in chosen) / len(chosen) for axis in (0, 1)]
        if not centered:
            shift = [0, 0]
        scale = math.dist(q[36], q[45]) if normalize else 1
        apart = [math.hypot(*(p[i][k] - q[i][k] - shift[k] for k in (0, 1))) for i in chosen]
        assert distance == pytest.approx(sum(apart) / len(chosen) / scale, rel=1e-5)


def test_the_sum_over_points_is_divided_by_their_number() -> None:
    truth = torch.zeros(3, 68, 2)
    preds = truth.clone()
    preds[:, 50] = torch.tensor([3.0, 4.0])
    assert landmark_distance(preds, truth).tolist() == pytest.approx([5 / 20] * 3)
    assert landmark_distance(preds, truth, "face").tolist() == pytest.approx([5 / 68] * 3)


def test_the_mouth_does_not_see_the_rest_of_the_face() -> None:
    truth = points()
    preds = truth.clone()
    preds[:, :48] += 10
    assert landmark_distance(preds, truth, "mouth").tolist() == [0] * 5
    assert landmark_distance(preds, truth, "face").tolist() == pytest.approx(
        [48 / 68 * 200**0.5] * 5
    )


def test_normalized_distances_do_not_depend_on_the_size_of_the_pictures() -> None:
    truth = points()
    preds = moved(truth)
    small = landmark_distance(preds, truth, normalize=True)
    torch.testing.assert_close(landmark_distance(4 * preds, 4 * truth, normalize=True), small)
    torch.testing.assert_close(
        landmark_distance(4 * preds, 4 * truth), 4 * landmark_distance(preds, truth)
    )


def test_centered_distances_do_not_see_that_all_is_displaced() -> None:
    truth = points()
    for region in ("mouth", "face"):
        displaced = landmark_distance(truth + 7, truth, region, centered=True)
        torch.testing.assert_close(displaced, torch.zeros(5), atol=1e-5, rtol=0)


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("normalize", [False, True])
def test_unknown_points_are_left_out(normalize: bool, centered: bool) -> None:
    truth = points()
    preds = truth.clone()
    preds[:, 48:] += torch.tensor([3.0, 4.0])
    preds[0, 50], truth[0, 51], preds[3] = torch.nan, torch.nan, torch.nan
    found = landmark_distance(preds, truth, normalize=normalize, centered=centered)
    assert found.isnan().tolist() == [False, False, False, True, False]
    scale = (truth[0, 45] - truth[0, 36]).norm().item() if normalize else 1
    expected = 0 if centered else 5 / scale
    assert found[[0, 1, 2, 4]].tolist() == pytest.approx([expected] * 4, abs=1e-4)


def test_the_metric_averages_over_known_points_and_counts_the_others() -> None:
    truth = points(3)
    preds = truth + torch.tensor([3.0, 4.0])
    preds[1, 48:58] = truth[1, 48:58]
    preds[2] = torch.nan
    metric = LandmarkDistance()
    metric.update(preds[:1], truth[:1])
    metric.update(preds[1:], truth[1:])
    assert metric.compute().item() == pytest.approx(5 * 30 / 40)
    assert metric.left_out.item() == 20
    assert not metric.higher_is_better


def test_without_eye_corners_there_is_no_scale() -> None:
    truth = points(2)
    truth[0, 36] = torch.nan
    metric = LandmarkDistance(normalize=True)
    metric.update(truth + 1, truth)
    expected = 2**0.5 / (truth[1, 45] - truth[1, 36]).norm()
    torch.testing.assert_close(metric.compute(), expected)
    assert metric.left_out.item() == 20


def test_an_unknown_region_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no region 'nose': choose one of \['face', 'mouth'\]"):
        inspect.unwrap(point_distances)(points(), points(), "nose")
