import pytest
import torch
from torch import Tensor

from talkface.metrics.head import movement
from talkface.metrics.opening import MotionAgreement, openings
from talkface.metrics.patch import PatchRegressor, disturb
from talkface.metrics.reader import FittedReader, MouthReader, TrainableReader, reduce
from tests import fakes

SKINS = ((224, 172, 140), (150, 105, 80), (200, 150, 120))


def faces(count: int, seed: int, side: int = 64) -> tuple[Tensor, Tensor]:
    """Faces of several colours whose mouths and lids move independently."""
    rng = torch.Generator().manual_seed(seed)
    points = fakes.landmarks(torch.rand(count, generator=rng), side, seed)
    lids = torch.rand(count, 1, generator=rng) * 0.9 + 0.1
    for first in (36, 42):
        height = points[:, first : first + 6, 1]
        middle = height.mean(1, keepdim=True)
        points[:, first : first + 6, 1] = middle + lids * (height - middle)
    skins = [SKINS[index % len(SKINS)] for index in range(count)]
    painted = [
        fakes.paint(face[None], side, skin) for face, skin in zip(points, skins, strict=True)
    ]
    return torch.cat(painted) / 255, points


@pytest.fixture(scope="module")
def reader() -> FittedReader:
    reader = FittedReader(steps=150)
    reader.fit(*faces(200, seed=0))
    return reader


@pytest.mark.parametrize("side", [64, 128])
def test_openings_are_read_from_faces_it_was_not_fitted_on(reader: FittedReader, side: int) -> None:
    frames, points = faces(60, seed=5, side=side)
    for read, true in zip(reader.read(frames), movement(points)[:2], strict=False):
        metric = MotionAgreement()
        metric.update(read, true, torch.ones(60, dtype=torch.bool))
        result = metric.compute()
        assert result.r > 0.95
        assert 0.8 < result.gain < 1.2


def test_the_place_of_a_head_is_read_from_faces_it_was_not_fitted_on(reader: FittedReader) -> None:
    frames, points = faces(60, seed=5)
    metric = MotionAgreement()
    metric.update(reader.read(frames).head, movement(points).head, torch.ones(60).bool())
    assert metric.compute().r > 0.5


def test_softer_and_darker_pictures_read_the_same(reader: FittedReader) -> None:
    frames, points = faces(40, seed=6)
    soft = torch.nn.functional.avg_pool2d(frames, 3, 1, 1, count_include_pad=False) * 0.8
    correlation = torch.corrcoef(torch.stack([reader.read(soft).mouth, openings(points).mouth]))
    assert correlation[0, 1] > 0.93


def test_the_same_seed_gives_the_same_reader_and_leaves_the_generator_alone() -> None:
    frames, points = faces(32, seed=1)
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    readers = [FittedReader(steps=3) for _ in range(2)]
    for reader in readers:
        reader.fit(frames, points)
    assert torch.equal(torch.rand(1), expected)
    torch.testing.assert_close(*(reader.read(frames).mouth for reader in readers))


def test_a_reader_can_be_fitted_inside_a_test() -> None:
    frames, points = faces(32, seed=1)
    outside, inside = FittedReader(steps=3), FittedReader(steps=3)
    outside.fit(frames, points)
    with torch.inference_mode():
        inside.fit(frames.clone(), points.clone())
        read = inside.read(frames).mouth
    torch.testing.assert_close(read.clone(), outside.read(frames).mouth)


def test_crops_without_landmarks_are_left_out_and_too_few_refused() -> None:
    frames, points = faces(20, seed=2)
    points[:5, 3] = torch.nan
    with pytest.raises(ValueError, match="at least 16 crops with landmarks, but 15 of the 20"):
        FittedReader(steps=1).fit(frames, points)


def test_reading_before_fitting_says_what_to_do() -> None:
    with pytest.raises(RuntimeError, match="call `fit` with true crops first"):
        FittedReader().read(torch.zeros(1, 3, 64, 64))


def test_the_region_encloses_the_points_with_a_margin() -> None:
    rng = torch.Generator().manual_seed(0)
    points = torch.rand(500, 4, 2, generator=rng) * torch.tensor([0.4, 0.2]) + 0.3
    box = PatchRegressor(points, torch.rand(500, 1)).box
    expected = torch.tensor([[0.3 - 0.06, 0.3 - 0.06], [0.7 + 0.06, 0.5 + 0.06]])
    torch.testing.assert_close(box, expected, atol=0.015, rtol=0)


def test_disturbed_pictures_keep_their_shape_and_differ_among_each_other() -> None:
    frames = faces(1, seed=3)[0].expand(4, -1, -1, -1)
    changed, _ = disturb(frames)
    spot = torch.zeros(4, 3, 64, 64)
    spot[:, :, 30:34, 30:34] = 1
    shown, moved = disturb(spot)
    middle = (torch.arange(64) + 0.5) / 64
    light = (shown - shown.amin((2, 3), keepdim=True)).mean(1)
    light = light / light.sum((1, 2), keepdim=True)
    place = torch.stack([(light.sum(1) * middle).sum(1), (light.sum(2) * middle).sum(1)], 1)
    torch.testing.assert_close(place - 0.5, moved, atol=2e-3, rtol=0)
    assert changed.shape == frames.shape
    assert (changed[0] - changed[1]).abs().mean() > 0.005
    assert (changed - frames).abs().mean() < 0.3


def test_only_larger_crops_are_reduced() -> None:
    assert reduce(torch.zeros(1, 3, 48, 48)).shape[-1] == 48
    assert reduce(torch.zeros(1, 3, 256, 256)).shape[-1] == 64


def test_readers_are_told_apart_by_what_they_can_do() -> None:
    class Fixed:
        read = FittedReader.read

    assert isinstance(FittedReader(), TrainableReader)
    assert isinstance(Fixed(), MouthReader)
    assert not isinstance(Fixed(), TrainableReader)
