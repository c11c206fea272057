import pytest
import torch
from torch import Tensor

from talkface.metrics.retrieval import frame_retrieval


def codes(windows: int = 3, frames: int = 12, dim: int = 16, seed: int = 0) -> Tensor:
    return torch.randn(windows, frames, dim, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("within", [0, 1])
def test_equal_codes_find_each_other(within: int) -> None:
    assert frame_retrieval(codes(), codes(), within).item() == 1


@pytest.mark.parametrize("within", [0, 1, 3])
def test_codes_that_know_nothing_of_each_other_find_each_other_by_chance(within: int) -> None:
    frames = 20
    audio, lips = codes(400, frames, seed=1), codes(400, frames, seed=2)
    hits = sum(abs(i - j) <= within for i in range(frames) for j in range(frames))
    chance = hits / frames**2
    assert chance == pytest.approx((2 * within + 1) / frames, rel=0.15)
    assert frame_retrieval(audio, lips, within).item() == pytest.approx(chance, abs=0.02)


def test_lips_that_are_one_frame_late_count_only_within_one_frame() -> None:
    late = codes(frames=10).roll(1, dims=1)
    assert frame_retrieval(codes(frames=10), late, within=0).item() == 0
    assert frame_retrieval(codes(frames=10), late, within=1).item() == pytest.approx(9 / 10)
    assert frame_retrieval(codes(frames=10), late).item() == pytest.approx(9 / 10)


def test_scale_and_mean_of_a_coefficient_do_not_matter() -> None:
    scale = torch.logspace(-1, 1, 16)
    audio, lips = codes() + 10, codes() * scale - 10 * scale.flip(0)
    assert frame_retrieval(audio, lips, within=0).item() == 1


def test_opposite_codes_are_the_farthest() -> None:
    assert frame_retrieval(codes(), -codes(), within=0).item() == 0


def test_lips_of_another_window_are_not_looked_at() -> None:
    audio = codes(windows=100, frames=20)
    found = frame_retrieval(audio, audio.roll(1, dims=0)).item()
    assert found == pytest.approx(58 / 400, abs=0.04)
