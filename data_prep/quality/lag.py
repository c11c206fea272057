"""How late lips are after the sound, by how far the mouth is open and how loud the voice is."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int16
from torch import Tensor
from torch.nn import functional as F

from talkface.metrics.opening import MotionAgreement
from talkface.types import FPS, SAMPLE_RATE

VOICE = (300.0, 3400.0)
"""Hertz in which a voice is looked for: hum lies below, hiss above."""

QUIETEST = -60.0
"""Decibels below full scale under which all is silence."""

LAGS = 15
"""Frames by which the lips are moved either way at most, as SyncNet's judge does."""

SHARE = 3
"""At most one part in so many of a clip: where little overlaps, anything correlates."""

FULL_SCALE = 32768
PER_FRAME = SAMPLE_RATE // FPS


class Lag(NamedTuple):
    """How late the lips are.

    Attributes:
        offset: Frames, positive = lips too late, as in ``talkface.metrics.sync``; NaN if unknown.
        confidence: What speaks for it; its scale is that of the judge.
    """

    offset: float
    confidence: float


def voice_levels(sound: Int16[Tensor, " samples"], frames: int) -> Float[Tensor, " frames"]:
    """Energy of a voice in decibels of full scale, frame by frame.

    Args:
        sound: Samples from the first frame on.
        frames: Frames to describe; beyond its end the sound is silent.
    """
    length = frames * PER_FRAME
    padded = F.pad(sound[:length].float() / FULL_SCALE, (0, max(0, length - len(sound))))
    pitch = torch.fft.rfftfreq(length, 1 / SAMPLE_RATE)
    heard = (pitch >= VOICE[0]) & (pitch <= VOICE[1])
    voice = torch.fft.irfft(torch.fft.rfft(padded) * heard, length)
    energy: Tensor = voice.view(frames, PER_FRAME).square().mean(1)
    return 10 * energy.clamp_min(10 ** (QUIETEST / 10)).log10()


def lag(mouth: Float[Tensor, " t"], levels: Float[Tensor, " t"]) -> Lag:
    r"""The lag at which an opening correlates best with the level of the voice.

    Best is where $r \sqrt n$ is largest, with $n$ the frames that overlap: chance alone makes an
    $r$ of about $1 / \sqrt n$, so that of few frames counts for less.

    Args:
        mouth: Gap between the lips, NaN where unknown.
        levels: Level of the voice in decibels.

    Returns:
        The lag, and the correlation there. NaN where nothing moves.
    """
    lags = min(LAGS, len(mouth) // SHARE)
    agreement = MotionAgreement(lags)
    agreement.update(mouth, levels, torch.ones(len(mouth), dtype=torch.bool))
    curve = agreement.compute().curve
    if curve.isnan().all():
        return Lag(math.nan, math.nan)
    best = int((curve * agreement.frames.sqrt()).nan_to_num(-torch.inf).argmax())
    return Lag(best - lags, float(curve[best]))
