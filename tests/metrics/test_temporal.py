import math

import pytest
import torch
from torch import Tensor

from talkface.metrics.temporal import Flicker, Jitter, flicker, jitter


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_what_moves_evenly_has_no_jitter() -> None:
    still = noise(68, 2)
    moving = still + torch.arange(6.0)[:, None, None] * torch.tensor([2.0, -3.0])
    assert jitter(moving).tolist() == pytest.approx([0] * 4, abs=1e-5)


def test_jitter_is_the_norm_of_the_second_difference() -> None:
    places = torch.zeros(5, 2, 2)
    places[2, 0] = torch.tensor([3.0, 4.0])  # a jolt of 5 pixels in one of two points
    assert jitter(places).tolist() == pytest.approx([2.5, 5, 2.5])


def test_a_point_that_shakes_every_other_frame_accelerates_by_four_amplitudes() -> None:
    shaking = torch.tensor([1.0, -1.0]).repeat(5)[:, None, None] * torch.tensor([1.0, 0.0])
    assert jitter(shaking.expand(10, 68, 2)).tolist() == pytest.approx([4] * 8)


def test_noise_has_the_jitter_known_on_paper() -> None:
    sigma = 0.7
    found = jitter(sigma * noise(400, 68, 2)).mean().item()
    assert found == pytest.approx(sigma * math.sqrt(3 * math.pi), rel=0.02)


def test_jitter_asks_for_three_frames_in_which_a_point_is_known() -> None:
    places = noise(7, 3, 2)
    places[3, 0] = torch.nan
    places[6] = torch.nan
    found = jitter(places)
    assert found.isnan().tolist() == [False] * 4 + [True]
    torch.testing.assert_close(found[1:4], jitter(places[:, 1:])[1:4])
    metric = Jitter()
    metric.update(places)
    assert metric.left_out.item() == 3 + 3
    assert metric.count.item() == 5 * 3 - 6
    assert len(jitter(places[:2])) == 0


def test_jitter_is_pooled_over_clips_and_not_taken_across_their_borders() -> None:
    metric = Jitter()
    for clip in (torch.zeros(4, 68, 2), torch.full((4, 68, 2), 50.0)):
        metric.update(clip)
    assert metric.compute() == 0
    metric.update(torch.arange(4.0).square()[:, None, None].expand(4, 68, 2))
    assert metric.compute().item() == pytest.approx(2 * 2**0.5 / 3)
    assert not metric.higher_is_better


def test_pictures_that_change_as_the_truth_does_do_not_flicker() -> None:
    truth = torch.rand(5, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    wrong = truth + torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(1))
    assert flicker(wrong, truth).tolist() == pytest.approx([0] * 4, abs=1e-4)


def test_flicker_is_the_error_of_the_change_in_grey_levels() -> None:
    truth = torch.full((4, 3, 8, 8), 0.5)
    truth[2:] += 20 / 255
    frames = truth.clone()
    frames[1] += 10 / 255
    frames[3, :, :4] -= 8 / 255
    assert flicker(frames, truth).tolist() == pytest.approx([10, 10, 4], abs=1e-4)


def test_a_change_in_the_wrong_direction_is_twice_as_wrong() -> None:
    truth = torch.tensor([0.5, 0.6])[:, None, None, None].expand(2, 3, 8, 8)
    assert flicker(1 - truth, truth).item() == pytest.approx(2 * 25.5)


def test_a_still_picture_flickers_as_much_as_the_truth_moves() -> None:
    truth = torch.rand(5, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    expected = 255 * (truth[1:] - truth[:-1]).abs().mean((1, 2, 3))
    torch.testing.assert_close(flicker(truth[:1].expand_as(truth), truth), expected)


def test_the_metric_averages_over_steps_and_not_over_clips() -> None:
    truth = torch.zeros(5, 3, 8, 8)
    frames = torch.tensor([0.0, 0.2, 0.2, 0.2, 0.2])[:, None, None, None].expand(5, 3, 8, 8)
    metric = Flicker()
    metric.update(frames, truth)
    metric.update(truth[:2], truth[:2])
    metric.update(frames[:1], truth[:1])
    assert metric.compute().item() == pytest.approx(51 / 5)
    assert not metric.higher_is_better
