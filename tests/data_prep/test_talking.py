import math

import pytest
import torch
from jaxtyping import Float, Int16
from torch import Tensor

from data_prep.corpora import ClipError
from data_prep.talking import STEP, agreement, loudness, talking_face
from talkface.faces import Face, NoFaceError
from tests.faces.drawn import face_points, placed

FRAMES = 50


def waves(frames: int = FRAMES, period: float = 9.0) -> Float[Tensor, " n"]:
    return 0.5 - 0.5 * torch.cos(2 * math.pi * torch.arange(frames) / period)


def voice(loud: Float[Tensor, " n"]) -> Int16[Tensor, " samples"]:
    tone = torch.sin(torch.arange(STEP * len(loud)) * 0.2)
    return (8000 * loud.repeat_interleave(STEP) * tone).to(torch.int16)


def speaker(openings: Float[Tensor, " n"], corner: float, size: float) -> list[Face]:
    shapes = [face_points(0.005 + 0.05 * opening) for opening in openings.tolist()]
    return [Face.around(placed(points, size, (corner, 10.0))) for points in shapes]


def test_who_moves_the_mouth_with_the_sound_is_chosen_though_smaller() -> None:
    talker = speaker(waves(), 0, 60)
    other = speaker(waves(period=13.0), 150, 100)
    frames = [[b, a] for a, b in zip(talker, other, strict=True)]
    frames[20] = [other[20]]
    points = talking_face(frames, voice(waves()))
    assert torch.equal(points[0], talker[0].landmarks)
    assert points[20].isnan().all()


def test_a_mouth_may_lag_by_a_frame() -> None:
    heard = loudness(voice(waves()), FRAMES)
    late = torch.stack([face.landmarks for face in speaker(waves().roll(1), 0, 60)])
    opposite = torch.stack([face.landmarks for face in speaker(1 - waves(period=40), 0, 60)])
    assert agreement(late, heard) > 0.7
    assert agreement(opposite, heard) < agreement(late, heard) / 2


def test_nobody_who_talks_is_told_with_numbers() -> None:
    still = torch.full((FRAMES,), 0.5)
    pairs = zip(speaker(still, 0, 60), speaker(still, 150, 90), strict=True)
    with pytest.raises(ClipError, match=r"None of 2 faces .*correlations 0\.00, 0\.00, at least"):
        talking_face([list(pair) for pair in pairs], voice(waves()))


def test_one_face_needs_no_sound_and_none_is_an_error() -> None:
    alone = speaker(waves(), 0, 60)
    silence = torch.zeros(0, dtype=torch.int16)
    assert talking_face([[face] for face in alone], silence).isfinite().all()
    with pytest.raises(NoFaceError):
        talking_face([[], []], silence)
