"""Landmarks by what a face looks like, learned from a few frames of the same clip."""

from typing import Final, NamedTuple

import torch
from jaxtyping import Float, Float64, Int64, UInt8
from torch import Tensor

SIDE = 32
"""Side of the crops that are compared, in pixels."""

RIDGE = 0.03
"""How much of the mean squared difference of grey values is put down to noise."""


LEAST = 0.06
"""Motion to expect in any case of points whose part looks otherwise by its own contrast.

In distances of the outer eye corners: the least of 35 clips of GRID by 12 speakers, where mouths
have 0.06 to 0.14 and eyes 0.08 to 0.14. It counts where the known frames do not move.
"""


class Part(NamedTuple):
    """What moves together: where it is seen in the crop, and its points."""

    rows: slice
    columns: slice
    points: list[int]


PARTS: Final = (
    Part(slice(13, 29), slice(6, 26), [*range(2, 15), *range(48, 68)]),
    Part(slice(6, 18), slice(3, 29), [0, 1, 15, 16, *range(17, 48)]),
)
"""Mouth and jaw; eyes, brows and nose."""


class Guess(NamedTuple):
    """Points of all frames.

    Attributes:
        points: As given where they were known.
        error: Root mean squared error of a point to expect, in distances of the outer eye corners,
            of the worse part; 0 where they were known.
    """

    points: Float64[Tensor, "n 68 2"]
    error: Float64[Tensor, " n"]


def guess_points(
    crops: UInt8[Tensor, "n 3 S S"],
    known: Int64[Tensor, " k"],
    points: Float[Tensor, "k 68 2"],
) -> Guess:
    r"""Points of frames between known ones: a line over time, corrected by what the frames show.

    With $x$ the grey values of a part of the face and $y$ its points, both less the line between
    the known frames around,

    $$y = k(x)^\top (K + \lambda I)^{-1} Y, \qquad
    \sigma^2 = s\,(x^\top x - k(x)^\top (K + \lambda I)^{-1} k(x))$$

    is ridge regression and the variance of the Gaussian process that it is the mean of. It learns
    from how the known frames differ from their mean, and from the line between their neighbours;
    $s$ fits the points that it learns from, but see ``LEAST``.

    Args:
        crops: The face in consecutive frames, in one place.
        known: Which frames are known, in rising order, with the first and the last.
        points: Their landmarks in crop pixels.
    """
    points = points.double()
    line = _Line(known, len(crops))
    guessed, error = line.between(points), torch.zeros(len(crops), dtype=torch.float64)
    grey, eyes = crops.double().mean(dim=1), (points[:, 36] - points[:, 45]).norm(dim=1).mean()
    for part in PARTS:
        looks = grey[:, part.rows, part.columns].flatten(1)
        shape = points[:, part.points].flatten(1)
        seen, learned = line.differences(looks[known]), line.differences(shape)
        product = seen @ seen.T
        noise = (RIDGE * product.diagonal().mean()).clamp(min=1e-9)
        solved = torch.linalg.inv(product + noise * torch.eye(len(seen), dtype=torch.float64))
        odd = looks - line.between(looks[known])
        alike = odd @ seen.T
        weights = solved @ learned
        guessed[:, part.points] += (alike @ weights).unflatten(1, (-1, 2))
        variance = odd.square().sum(dim=1) - ((alike @ solved) * alike).sum(dim=1)
        least = (LEAST * eyes).square() / looks.var(dim=1).mean().clamp(min=1) / looks.shape[1]
        scale = (learned * weights).sum() / len(seen) / len(part.points)
        variance = variance.clamp(min=0) * torch.maximum(scale, least)
        error = torch.maximum(error, variance.sqrt())
    guessed[known], error[known] = points, 0.0
    return Guess(guessed, error / eyes)


class _Line:
    """Straight lines over time between known frames."""

    def __init__(self, known: Int64[Tensor, " k"], frames: int) -> None:
        self._after = torch.searchsorted(known, torch.arange(frames)).clamp(min=1)
        before, after = known[self._after - 1], known[self._after]
        self._share = ((torch.arange(frames) - before) / (after - before)).double()
        self._inner = ((known[1:-1] - known[:-2]) / (known[2:] - known[:-2])).double()

    def between(self, values: Float64[Tensor, "k ..."]) -> Float64[Tensor, "n ..."]:
        """The values of all frames, of which those of the known are given."""
        share = self._share.view(-1, *[1] * (values.ndim - 1))
        return torch.lerp(values[self._after - 1], values[self._after], share)

    def differences(self, values: Float64[Tensor, "k v"]) -> Float64[Tensor, "m v"]:
        """What is known of differences: to the mean, and to the line between both neighbours."""
        bent = values[1:-1] - torch.lerp(values[:-2], values[2:], self._inner[:, None])
        return torch.cat((values - values.mean(dim=0), bent))
