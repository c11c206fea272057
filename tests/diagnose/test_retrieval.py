"""Retrieval with codes that match, that do not, that are late, and that are all alike."""

import pytest
import torch
from torch import Tensor

from talkface.diagnose.retrieval import LAGS, Speech, measure

FRAMES, DIM = 60, 12


def noise(seed: int) -> Tensor:
    return torch.randn(FRAMES, DIM, generator=torch.Generator().manual_seed(seed))


def clips(count: int, *, late: int = 0, matched: bool = True, spoken: bool = True) -> list[Speech]:
    """Clips whose lips are their sound, ``late`` frames later."""
    heard = torch.full((FRAMES,), spoken)
    heard[:40] = True
    return [
        Speech(str(i), noise(i), noise(i if matched else i + 100).roll(late, 0) * 3 + 5, heard)
        for i in range(count)
    ]


def test_matched_codes_find_each_other_whatever_their_scale() -> None:
    table = measure(clips(8)).table
    for row in ("audio_to_lips", "lips_to_audio"):
        assert table.get(row, "R@1").value == 1
        assert table.get(row, "chance of R@1").value == 1 / 8
    assert table.get("shift", "right").value == 1
    assert 3 / (2 * LAGS + 1) <= table.get("shift", "chance of right").value < 0.25


def test_unmatched_codes_are_at_chance() -> None:
    table = measure(clips(24, matched=False)).table
    assert table.get("audio_to_lips", "R@1").value < 0.15
    assert table.get("shift", "right").value < 0.3


@pytest.mark.parametrize(("late", "right"), [(1, True), (4, False)])
def test_late_lips_are_told_by_the_shift(late: int, *, right: bool) -> None:
    table = measure(clips(6, late=late)).table
    share = table.get("shift", "right").value  # at the rims the right place lies outside
    assert share > 0.75 if right else share < 0.1
    assert table.details["best_lag"] == late


def test_codes_that_are_all_alike_share_the_hit() -> None:
    still = [
        Speech(str(i), torch.ones(40, 4), torch.ones(40, 4), torch.ones(40) > 0) for i in (1, 2)
    ]
    table = measure(still).table
    assert table.get("audio_to_lips", "R@1").value == 1 / 2
    assert table.get("audio_to_lips", "R@5").value == 1
    assert table.get("shift", "right").value == table.get("shift", "chance of right").value


def test_silence_is_not_asked_for() -> None:
    talking = clips(5)
    silent = [clip._replace(spoken=torch.zeros(FRAMES, dtype=torch.bool)) for clip in talking[:1]]
    table = measure([*silent, *talking[1:]]).table
    assert set(table.get("audio_to_lips", "R@1").clips) == {"1", "2", "3", "4"}
