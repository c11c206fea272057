import math

import pytest
import torch
from torch import Tensor

from talkface.metrics.opening import Agreement, MotionAgreement, openings


def wave(frames: int = 60, phase: float = 0.0) -> Tensor:
    return torch.sin(torch.arange(frames) * 2 * math.pi / 15 + phase)


def agree(preds: Tensor, target: Tensor, spoken: Tensor | None = None, lags: int = 5) -> Agreement:
    metric = MotionAgreement(lags)
    metric.update(preds, target, torch.ones_like(target).bool() if spoken is None else spoken)
    result: Agreement = metric.compute()
    return result


def test_openings_are_measured_in_distances_of_the_outer_eye_corners() -> None:
    face = torch.zeros(68, 2)
    face[45] = torch.tensor([30.0, 40.0])
    face[66] = torch.tensor([3.0, 4.0])
    for lower, gap in ((41, 1.0), (40, 2.0), (47, 3.0), (46, 6.0)):
        face[lower, 1] += gap
    mouth, eyes = openings(face)
    assert mouth.item() == pytest.approx(5 / 50)
    assert eyes.item() == pytest.approx(3 / 50)


def test_openings_do_not_depend_on_size_place_and_rotation() -> None:
    face = torch.randn(2, 68, 2, generator=torch.Generator().manual_seed(0))
    turned = 3 * face @ torch.tensor([[0.6, -0.8], [0.8, 0.6]]) + 17
    for before, after in zip(openings(face), openings(turned), strict=True):
        torch.testing.assert_close(before, after)


def test_unknown_landmarks_give_unknown_openings() -> None:
    face = torch.rand(3, 68, 2)
    face[1, 62] = torch.nan
    assert openings(face).mouth.isnan().tolist() == [False, True, False]
    assert not openings(face).eyes.isnan().any()


@pytest.mark.parametrize("gain", [0.25, 1.0, 3.0])
def test_a_scaled_motion_correlates_fully_and_has_that_gain(gain: float) -> None:
    result = agree(gain * wave() + 7, wave())
    assert result.r.item() == pytest.approx(1)
    assert result.gain.item() == pytest.approx(gain, rel=1e-6)
    assert result.peak.item() == 0
    assert result.frames.item() == 60


@pytest.mark.parametrize("late", [-4, -1, 0, 2, 5])
def test_the_peak_tells_by_how_many_frames_a_motion_is_late(late: int) -> None:
    rng = torch.Generator().manual_seed(1)
    motion = torch.randn(80, generator=rng)
    result = agree(motion[10 - late : 70 - late], motion[10:70])
    assert result.peak.item() == late
    assert result.curve[5 + late].item() == pytest.approx(1)


def test_correlation_of_two_waves_is_the_cosine_of_their_phase() -> None:
    for phase in (0.5, 1.0, 2.5):
        assert agree(wave(phase=phase), wave()).r.item() == pytest.approx(math.cos(phase), abs=1e-6)


def test_clips_with_different_means_do_not_correlate_by_them() -> None:
    metric = MotionAgreement()
    spoken = torch.ones(60, dtype=torch.bool)
    for mean in (0.0, 100.0):
        metric.update(wave(phase=math.pi / 2) + mean, wave() + mean, spoken)
    assert metric.compute().r.item() == pytest.approx(0, abs=1e-6)


def test_longer_movements_weigh_more_when_clips_are_pooled() -> None:
    metric = MotionAgreement()
    spoken = torch.ones(60, dtype=torch.bool)
    metric.update(wave(), wave(), spoken)
    metric.update(-2 * wave(), 2 * wave(), spoken)
    assert metric.compute().r.item() == pytest.approx((1 - 4) / (1 + 4))


def test_only_spoken_and_known_frames_count() -> None:
    truth, preds = wave(), wave()
    spoken = torch.zeros(60, dtype=torch.bool)
    spoken[10:50] = True
    preds[:10], preds[50:], preds[20] = 99.0, -99.0, torch.nan
    result = agree(preds, truth, spoken)
    assert result.r.item() == pytest.approx(1)
    assert result.frames.item() == 39
    assert result.error.item() == pytest.approx(0)


def test_the_error_is_a_mean_absolute_difference() -> None:
    assert agree(wave() + 0.25, wave()).error.item() == pytest.approx(0.25)


def test_a_frozen_mouth_has_no_correlation_and_no_gain() -> None:
    result = agree(torch.full((60,), 0.1), wave())
    assert result.r.isnan()
    assert result.peak.isnan()
    assert result.gain.item() == pytest.approx(0, abs=1e-6)


def test_clips_shorter_than_the_lags_and_empty_metrics_are_no_error() -> None:
    assert agree(wave(3), wave(3)).r.item() == pytest.approx(1)
    assert MotionAgreement().compute().r.isnan()


def test_sums_of_two_processes_add_up() -> None:
    spoken = torch.ones(60, dtype=torch.bool)
    first, second, both = (MotionAgreement() for _ in range(3))
    for metric, phase in ((first, 0.3), (second, 1.1)):
        metric.update(wave(phase=phase), wave(), spoken)
        both.update(wave(phase=phase), wave(), spoken)
    for state in ("products", "predicted", "true", "frames", "differences"):
        setattr(first, state, getattr(first, state) + getattr(second, state))
    first._update_count = 2
    torch.testing.assert_close(first.compute().curve, both.compute().curve)
