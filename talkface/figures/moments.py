"""Moments of a clip: their names, the words spoken at them, and those worth showing."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from talkface.data.records import WordSpan
from talkface.figures.errors import MomentError, NoLandmarksError
from talkface.metrics.opening import openings
from talkface.types import FPS


def seconds(frame: int) -> str:
    """When a frame begins, counted from the first frame that was rendered."""
    return f"{frame / FPS:.2f} s"


def word_at(words: Sequence[WordSpan], frame: int) -> str:
    """What is spoken in the middle of a frame; empty in silence."""
    middle = (frame + 0.5) / FPS
    return next((span.word for span in words if span.start <= middle < span.end), "")


def frame_at(time: float, frames: int, clip: str) -> int:
    """The frame that is shown at a time in seconds.

    Raises:
        MomentError: If the clip is over by then, or has not begun.
    """
    place = time * FPS + 1e-6
    if not (time >= 0 and place < frames):
        raise MomentError(time, clip, frames / FPS)
    return int(place)


def widest_and_closed(landmarks: Float[Tensor, "t 68 2"], clip: str) -> tuple[int, int]:
    """The frames whose true mouth is open widest and least, by the gap between the inner lips.

    Raises:
        NoLandmarksError: If no frame has landmarks.
    """
    gap = openings(landmarks).mouth
    known = gap.isfinite()
    if not known.any():
        raise NoLandmarksError(clip)
    widest = torch.where(known, gap, -torch.inf).argmax()
    closed = torch.where(known, gap, torch.inf).argmin()
    return int(widest), int(closed)


def nearest_known(landmarks: Float[Tensor, "t 68 2"], frame: int, clip: str) -> int:
    """The frame with landmarks that is nearest in time.

    Raises:
        NoLandmarksError: If no frame has landmarks.
    """
    known = landmarks.isfinite().all(2).all(1).nonzero().flatten()
    if not len(known):
        raise NoLandmarksError(clip)
    return int(known[(known - frame).abs().argmin()])
