import math

import pytest
import torch
from torch import Tensor

from talkface.metrics.code_sync import FEWEST, code_sync, lag_distances


def walk(frames: int = 60, dim: int = 16, seed: int = 0) -> Tensor:
    """Codes that go from frame to frame by chance."""
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(frames, dim, generator=rng).cumsum(0)


def transcribed(lips: Tensor, audio: Tensor, lag: int) -> float:
    """Mean cosine distance of ``lips[i + lag]`` and ``audio[i]``, pair by pair."""

    def standard(codes: Tensor) -> Tensor:
        return (codes - codes.mean(0)) / codes.std(0, correction=0)

    seen, heard = standard(lips), standard(audio)
    pairs = [(seen[i + lag], heard[i]) for i in range(len(heard)) if 0 <= i + lag < len(seen)]
    return sum(1 - float(v @ a / (v.norm() * a.norm())) for v, a in pairs) / len(pairs)


def test_distances_are_means_over_the_frames_that_both_have() -> None:
    lips, audio = walk(30), walk(30, seed=1)
    expected = [transcribed(lips, audio, lag) for lag in range(-15, 16)]
    found = lag_distances(lips, audio)
    torch.testing.assert_close(found, torch.tensor(expected), atol=1e-4, rtol=0)


@pytest.mark.parametrize("late", [-15, -4, -1, 0, 1, 7, 15])
def test_lips_that_are_late_have_a_positive_offset(late: int) -> None:
    said = walk(100)
    lips, sound = said[20 - late : 80 - late], said[20:80]
    offset, confidence = code_sync(lips, sound)
    assert offset == late
    assert confidence > 0.3


def test_lips_that_only_start_late_fit_completely() -> None:
    said = walk(40)
    assert lag_distances(said.roll(5, dims=0), said)[15 + 5].item() == pytest.approx(0, abs=1e-4)


def test_confidence_is_the_median_less_the_least() -> None:
    lips, audio = walk(70), walk(70, seed=3)
    curve = sorted(lag_distances(lips, audio).tolist())
    assert code_sync(lips, audio).confidence == pytest.approx(curve[15] - curve[0])


def test_scale_and_mean_of_a_coefficient_do_not_matter() -> None:
    said, scale = walk(), torch.logspace(-1, 1, 16)
    expected = lag_distances(said, said)
    found = lag_distances(said * scale - 50 * scale.flip(0), said + 9)
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=0)


@pytest.mark.parametrize("noise", [0.0, 1e-5])
@pytest.mark.parametrize("still", ["lips", "sound"])
def test_what_stands_still_has_no_offset_and_no_confidence(noise: float, still: str) -> None:
    frozen = walk()[:1] + noise * torch.randn(60, 16, generator=torch.Generator().manual_seed(2))
    pair = (frozen, walk()) if still == "lips" else (walk(), frozen)
    offset, confidence = code_sync(*pair)
    assert math.isnan(offset)
    assert confidence == 0


def test_lags_that_share_too_few_frames_are_left_out() -> None:
    said = walk(FEWEST + 3)
    known = lag_distances(said, said).isfinite()
    assert known.tolist() == [abs(lag) <= 3 for lag in range(-15, 16)]
    assert code_sync(said, said).offset == 0


def test_a_clip_that_is_too_short_has_no_figures() -> None:
    assert all(math.isnan(figure) for figure in code_sync(walk(FEWEST - 1), walk(FEWEST - 1)))
