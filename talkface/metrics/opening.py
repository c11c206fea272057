"""How far mouth and eyes are open, and whether a rendered motion follows the true one."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor
from torchmetrics import Metric

STILL = 1e-6
"""Openings that deviate by less than this (outer eye corners = 1) do not move at all."""

LIDS = ((37, 41), (38, 40), (43, 47), (44, 46))


class Openings(NamedTuple):
    """Openings frame by frame, in distances of the outer eye corners, NaN where unknown.

    Attributes:
        mouth: Gap between the inner lips.
        eyes: Gap between the lids, mean of both eyes.
    """

    mouth: Float[Tensor, "*b"]
    eyes: Float[Tensor, "*b"]


def openings(landmarks: Float[Tensor, "*b 68 2"]) -> Openings:
    """Openings in iBUG-68 landmarks: lips 62-66 and lids over the outer eye corners 36-45.

    Example:
        >>> face = torch.zeros(68, 2)
        >>> face[45, 0], face[66, 1] = 10.0, 2.0
        >>> openings(face).mouth
        tensor(0.2000)
    """
    scale = _gap(landmarks, 36, 45)
    lids = torch.stack([_gap(landmarks, upper, lower) for upper, lower in LIDS]).mean(0)
    return Openings(_gap(landmarks, 62, 66) / scale, lids / scale)


def _gap(landmarks: Tensor, first: int, second: int) -> Tensor:
    apart = landmarks[..., first, :] - landmarks[..., second, :]
    return apart.square().sum(-1).sqrt()


class Agreement(NamedTuple):
    """How one motion follows another.

    Attributes:
        r: Correlation at lag 0, NaN if either does not move.
        gain: Standard deviation over that of the truth at lag 0: 0 = frozen, 1 = as lively.
        peak: Lag of the highest correlation in frames, positive = too late; NaN without one.
        curve: Correlation at every lag from the most negative to the most positive.
        error: Mean distance at lag 0, clip means left in.
        frames: Frames compared at lag 0.
    """

    r: Float[Tensor, ""]
    gain: Float[Tensor, ""]
    peak: Float[Tensor, ""]
    curve: Float[Tensor, " lags"]
    error: Float[Tensor, ""]
    frames: Float[Tensor, ""]


class MotionAgreement(Metric):
    r"""Correlation by lag and gain of a motion, pooled over clips without their means.

    With $p$ and $q$ the predicted and true motion of the frames that are compared, less their mean
    over the clip, and sums over the frames of all clips,

    $$r(l) = \frac{\sum p_{i+l} q_i}{\sqrt{\sum p_{i+l}^2 \sum q_i^2}}, \qquad
    g = \sqrt{\sum p_i^2 / \sum q_i^2}.$$

    A correlation is worth nothing without the gain: a nearly frozen mouth can correlate. Of a
    motion with several coordinates each is compared without its own mean, and the sums pool them.

    Args:
        lags: Frames by which the prediction is shifted either way.

    Example:
        >>> truth = torch.tensor([0.0, 1.0, 0.0, -1.0])
        >>> spoken = torch.ones(4, dtype=torch.bool)
        >>> MotionAgreement(lags=1)(0.5 * truth + 3, truth, spoken).gain
        tensor(0.5000, dtype=torch.float64)
    """

    higher_is_better = True
    full_state_update = False

    products: Float64[Tensor, " lags"]
    predicted: Float64[Tensor, " lags"]
    true: Float64[Tensor, " lags"]
    frames: Float64[Tensor, " lags"]
    differences: Float64[Tensor, ""]

    def __init__(self, lags: int = 5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lags = lags
        self.set_dtype(torch.float64)
        for state in ("products", "predicted", "true", "frames"):
            zeros = torch.zeros(2 * lags + 1, dtype=torch.float64)
            self.add_state(state, zeros, dist_reduce_fx="sum")
        zero = torch.zeros((), dtype=torch.float64)
        self.add_state("differences", zero, dist_reduce_fx="sum")

    def update(
        self,
        preds: Float[Tensor, "t ..."],
        target: Float[Tensor, "t ..."],
        spoken: Bool[Tensor, " t"],
    ) -> None:
        """Add one clip.

        Args:
            preds: Predicted motion of one or ``d`` coordinates, NaN where unknown.
            target: True motion, NaN where unknown.
            spoken: Frames of the truth to compare.
        """
        preds, target = _columns(preds), _columns(target)
        for index, lag in enumerate(range(-self.lags, self.lags + 1)):
            first, last = max(0, -lag), min(len(target), len(target) - lag)
            if first >= last:
                continue
            p, q = preds[first + lag : last + lag], target[first:last]
            used = spoken[first:last] & (p + q).isfinite().all(1)
            self._add(index, p[used], q[used])

    def _add(self, index: int, p: Float64[Tensor, "n d"], q: Float64[Tensor, "n d"]) -> None:
        if not len(p):
            return
        if index == self.lags:
            self.differences += (p - q).norm(dim=1).sum()
        p, q = p - p.mean(0), q - q.mean(0)
        self.products[index] += (p * q).sum()
        self.predicted[index] += p.square().sum()
        self.true[index] += q.square().sum()
        self.frames[index] += len(p)

    def compute(self) -> Agreement:
        """The agreement over all clips."""
        floor = self.frames * STILL**2
        moves = (self.predicted > floor) & (self.true > floor)
        curve = self.products / (self.predicted * self.true).sqrt()
        curve = torch.where(moves, curve, torch.nan)
        peak = curve.new_tensor(torch.nan)
        if moves.any():
            peak = (curve.nan_to_num(-torch.inf).argmax() - self.lags).to(curve.dtype)
        here = self.lags
        gain = (self.predicted[here] / self.true[here]).sqrt()
        gain = torch.where(self.true[here] > floor[here], gain, torch.nan)
        error = self.differences / self.frames[here]
        return Agreement(curve[here], gain, peak, curve, error, self.frames[here])


def _columns(motion: Float[Tensor, "t ..."]) -> Float64[Tensor, "t d"]:
    return motion.double().reshape(len(motion), -1)
