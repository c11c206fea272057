"""Whether mouth and eyes move as the true ones do, over all clips of a row."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from talkface.metrics.intervals import bootstrap_margin
from talkface.metrics.opening import Agreement, MotionAgreement
from talkface.metrics.table import Cell

LAGS = 5
"""Frames by which a motion is also compared earlier and later."""

POOLED = ("mouth_r", "mouth_gain", "mouth_peak", "eye_r", "eye_gain")
"""Figures that pool the frames of all clips."""


class Pair(NamedTuple):
    """An opening and the true one, frame by frame, NaN where unknown."""

    shown: Float[Tensor, " t"]
    true: Float[Tensor, " t"]


def motion_cells(
    mouths: Mapping[str, Pair], eyes: Mapping[str, Pair]
) -> tuple[dict[str, Cell], list[float]]:
    """Correlation and gain of mouth and eyes, and the lag of the mouth.

    All known frames count: nothing tells when someone speaks.

    Args:
        mouths: Openings of the mouth by clip.
        eyes: Openings of the eyes by clip.

    Returns:
        Figures by name, and the correlation of the mouth from lag ``-LAGS`` to ``LAGS``.
    """
    mouth, eye = (_agreement(part, LAGS) for part in (mouths, eyes))
    cells = _cells("mouth", mouths, mouth)
    cells["mouth_peak"] = Cell(float(mouth.peak))
    return cells | _cells("eye", eyes, eye), mouth.curve.tolist()


def _cells(part: str, pairs: Mapping[str, Pair], pooled: Agreement) -> dict[str, Cell]:
    """Correlation and gain with bootstrapped margins, and those of every clip alone."""
    alone = {name: _metric({name: pair}, 0) for name, pair in pairs.items()}
    sums = torch.stack([torch.cat([m.products, m.predicted, m.true]) for m in alone.values()])
    each = {name: metric.compute() for name, metric in alone.items()}
    margin_r = bootstrap_margin(sums, lambda s: s[0] / (s[1] * s[2]).sqrt())
    margin_gain = bootstrap_margin(sums, lambda s: (s[1] / s[2]).sqrt())
    correlations = {name: float(one.r) for name, one in each.items()}
    gains = {name: float(one.gain) for name, one in each.items()}
    return {
        f"{part}_r": Cell(float(pooled.r), margin_r, correlations),
        f"{part}_gain": Cell(float(pooled.gain), margin_gain, gains),
    }


def _agreement(pairs: Mapping[str, Pair], lags: int) -> Agreement:
    found: Agreement = _metric(pairs, lags).compute()
    return found


def _metric(pairs: Mapping[str, Pair], lags: int) -> MotionAgreement:
    metric = MotionAgreement(lags, sync_on_compute=False)
    for shown, true in pairs.values():
        metric.update(shown, true, torch.ones(len(true), dtype=torch.bool))
    return metric
