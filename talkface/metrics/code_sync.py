"""Lip sync by the project's own mouth codes: offset and confidence, without a public network."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

LAGS = 15
"""Frames by which lips are shifted either way."""

FEWEST = 10
"""Frames that lips and sound must share at a lag, for it to count."""

STILL = 1e-3
"""Codes whose deviation over a clip is smaller, in root mean square, do not move at all."""


class Sync(NamedTuple):
    """How well lips fit a sound.

    Attributes:
        offset: Lag at which they fit best in frames, positive = lips too late; NaN without one.
        confidence: How far that lag stands out, as a cosine: 0 = not at all. NaN in clips that
            are too short.
    """

    offset: float
    confidence: float


def lag_distances(
    lips: Float[Tensor, "t d"], audio: Float[Tensor, "t d"], lags: int = LAGS
) -> Float[Tensor, " lags"]:
    r"""Mean cosine distance of lips and sound by lag, from ``-lags`` to ``lags``.

    $$\bar d(l) = \frac{1}{n_l} \sum_i \left(1 - \cos(v_{i+l}, a_i)\right)$$

    over the $n_l$ frames that have both; there is no padding. Codes $v$ of the lips and $a$ of the
    sound are standardised over the clip first; those that stand still are zeros.

    Args:
        lips: Mouth codes seen in the frames.
        audio: Mouth codes heard in the sound of the same frames.
        lags: Largest lag in frames.

    Returns:
        Distances in [0, 2], NaN at lags that share less than ``FEWEST`` frames.
    """
    seen, heard = _directions(lips), _directions(audio)
    frames = len(seen)
    curve = seen.new_full((2 * lags + 1,), torch.nan)
    for index, lag in enumerate(range(-lags, lags + 1)):
        first, last = max(0, -lag), min(frames, frames - lag)
        if last - first >= FEWEST:
            cosines = (seen[first + lag : last + lag] * heard[first:last]).sum(1)
            curve[index] = 1 - cosines.mean()
    return curve


def code_sync(lips: Float[Tensor, "t d"], audio: Float[Tensor, "t d"], lags: int = LAGS) -> Sync:
    """Lag of the least of `lag_distances`, and how far that is below their median.

    Args:
        lips: Mouth codes seen in the frames.
        audio: Mouth codes heard in the sound of the same frames.
        lags: Largest lag in frames.

    Example:
        >>> sound = torch.eye(32)
        >>> code_sync(sound.roll(2, dims=0), sound).offset
        2.0
    """
    curve = lag_distances(lips, audio, lags)
    known = curve[curve.isfinite()]
    if not len(known):
        return Sync(math.nan, math.nan)
    least = known.min()
    offset = float(curve.nan_to_num(torch.inf).argmin()) - lags
    moves = bool(known.max() > least)
    return Sync(offset if moves else math.nan, float(known.median() - least))


def _directions(codes: Float[Tensor, "t d"]) -> Float[Tensor, "t d"]:
    """Unit vectors of codes less their mean over the clip, every coefficient weighing alike."""
    codes = codes.float()
    centred = codes - codes.mean(0)
    deviation = centred.square().mean(0).sqrt()
    if deviation.square().mean().sqrt() < STILL:
        return torch.zeros_like(codes)
    return F.normalize(centred / (deviation + 1e-5), dim=1)
