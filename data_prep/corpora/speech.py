"""When somebody speaks, by loudness: for corpora that give no times."""

import torch
from jaxtyping import Int16
from torch import Tensor

from talkface.types import SAMPLE_RATE

HOP = SAMPLE_RATE // 100
"""Samples per step: 10 ms."""

QUIET, LOUD = 0.10, 0.95
"""Shares of the steps that are taken for silence at most, and for speech at least."""

PLACE = 0.4
"""Where between the loudness of silence and of speech, in decibels, speech begins."""

CONTRAST = 10.0
"""Decibels between the two below which nothing can be told."""

MARGIN = 0.05
"""Seconds that are added on both sides, for soft consonants."""


def spoken_span(sound: Int16[Tensor, " samples"]) -> tuple[float, float]:
    """First and last moment of speech in seconds; the whole sound where loudness does not tell."""
    seconds = len(sound) / SAMPLE_RATE
    steps = sound[: len(sound) // HOP * HOP].view(-1, HOP).double()
    if not len(steps):
        return 0.0, seconds
    level = 10 * torch.log10(steps.square().mean(dim=1) + 1)
    quiet, loud = (float(level.quantile(share)) for share in (QUIET, LOUD))
    if loud - quiet < CONTRAST:
        return 0.0, seconds
    heard = (level > quiet + PLACE * (loud - quiet)).nonzero()
    start, end = (float(heard[place]) * HOP / SAMPLE_RATE for place in (0, -1))
    return max(start - MARGIN, 0.0), min(end + HOP / SAMPLE_RATE + MARGIN, seconds)
