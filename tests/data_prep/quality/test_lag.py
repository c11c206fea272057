import math

import pytest
import torch
from torch import Tensor

from data_prep.quality.lag import lag, voice_levels
from tests.fakes import PER_FRAME, loudness, speech

FRAMES = 75


def moved(sound: Tensor, frames: int) -> Tensor:
    """The sound so many frames earlier, or later if negative; the rest is silent."""
    quiet = torch.zeros(abs(frames) * PER_FRAME, dtype=sound.dtype)
    if frames > 0:
        return torch.cat([sound[frames * PER_FRAME :], quiet])
    return torch.cat([quiet, sound])[: len(sound)]


@pytest.mark.parametrize("frames", [-9, -3, 0, 4, 11])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sound_that_is_early_makes_lips_late_by_so_many_frames(frames: int, seed: int) -> None:
    opening = loudness(FRAMES, seed)
    sound = moved(speech(opening, 120.0), frames)
    found = lag(opening, voice_levels(sound, FRAMES))
    assert found.offset == frames
    assert found.confidence > 0.8


def test_lips_that_do_not_move_have_no_lag() -> None:
    sound = speech(loudness(FRAMES, 1), 120.0)
    found = lag(torch.full((FRAMES,), 0.1), voice_levels(sound, FRAMES))
    assert math.isnan(found.offset)
    assert math.isnan(found.confidence)


def test_a_tone_at_full_scale_has_minus_3_decibels_and_hum_is_not_heard() -> None:
    time = torch.arange(10 * PER_FRAME) / 16_000
    tone, hum = ((32767 * torch.sin(2 * torch.pi * hertz * time)).short() for hertz in (1000, 50))
    assert voice_levels(tone, 10).numpy() == pytest.approx(-3.01, abs=0.01)
    assert voice_levels(hum, 10).numpy() == pytest.approx(-60)
