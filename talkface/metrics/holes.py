"""Small holes: spots that an up-sampling decoder leaves in a picture and the truth does not have.

The method's paper gives up such a decoder because of them.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from talkface.metrics.cpbd import luma
from talkface.metrics.mean import Mean

REACH = 1 / 32
"""Half the width of the narrowest thing that is no hole, in shares of the side."""

DEPTH = 0.1 * 255
"""Grey levels by which a hole differs from its surroundings."""

DIRECTIONS = ((0, 1), (1, 0), (1, 1))
"""Steps down and to the right of level, upright and falling runs of pixels."""

CHUNK = 2**16
"""Pixels worked on at once: what a processor's cache holds."""


def holes(preds: Float[Tensor, "t 3 h w"], target: Float[Tensor, "t 3 h w"]) -> Float[Tensor, " t"]:
    """Share of the pixels of every frame that lie in small holes, in per mille: 0 is best.

    What a hole is, `hole_mask` says.

    Args:
        preds: RGB in [0, 1].
        target: The same for the truth.
    """
    return 1000 * hole_mask(preds, target).float().mean((1, 2))


def hole_mask(
    preds: Float[Tensor, "t 3 h w"], target: Float[Tensor, "t 3 h w"]
) -> Bool[Tensor, "t h w"]:
    r"""Pixels that lie in small dark or bright spots which the truth does not have there.

    $$\varphi_r(g) - g - \delta_r(\varphi_r(\bar g) - \bar g) > 0.1$$

    with $g$ and $\bar g$ the luma of frame and truth in [0, 1], or one minus it for bright spots;
    $\varphi_r$ fills every dark spot that holds no straight run of $2r + 1$ pixels, level, upright
    or diagonal, and $\delta_r$ is the maximum over $2r + 1$ by $2r + 1$ pixels, so that a nostril
    may be displaced; $r$ is 1/32 of the side, at least 1. $\varphi_r(g) - g$ is a black top-hat
    (Soille 2003, Morphological Image Analysis, 4.6 and 8.1). With runs in place of a disc it passes
    over lines, which a mouth has where the truth has none whenever it moves at the wrong time.

    Args:
        preds: RGB in [0, 1].
        target: The same for the truth.
    """
    reach = max(1, round(REACH * min(preds.shape[-2:])))
    frames = max(1, CHUNK // preds[0, 0].numel())
    return torch.cat(
        [
            _mask(luma(part), luma(truth), reach)
            for part, truth in zip(preds.split(frames), target.split(frames), strict=True)
        ]
    )


def _mask(
    grey: Float[Tensor, "n h w"], truth: Float[Tensor, "n h w"], reach: int
) -> Bool[Tensor, "n h w"]:
    found = torch.zeros_like(grey, dtype=torch.bool)
    for sign in (1, -1):
        depth, known = (filled(sign * image, reach) - sign * image for image in (grey, truth))
        found |= depth - _nearby(known, reach) > DEPTH
    return found


def filled(grey: Float[Tensor, "n h w"], reach: int) -> Float[Tensor, "n h w"]:
    """Grey levels with every dark spot raised to its surroundings that holds no straight run.

    The minimum over four directions of closings by 2 ``reach`` + 1 pixels in a row. What it nibbles
    off the rim of a larger spot is given back by ``reach`` steps of reconstruction.
    """
    closed = torch.minimum(_closed(grey, reach), _closed(grey.flip(2), reach).flip(2))
    for _ in range(reach):
        closed = torch.maximum(-_nearby(-closed, 1), grey)
    return closed


def _closed(grey: Float[Tensor, "n h w"], reach: int) -> Float[Tensor, "n h w"]:
    closings = [-_highest(-_highest(grey, reach, *step), reach, *step) for step in DIRECTIONS]
    return torch.stack(closings).amin(0)


def _nearby(grey: Float[Tensor, "n h w"], reach: int) -> Float[Tensor, "n h w"]:
    """Maximum over the square of 2 ``reach`` + 1 pixels around every pixel."""
    return _highest(_highest(grey, reach, 0, 1), reach, 1, 0)


def _highest(
    grey: Float[Tensor, "n h w"], reach: int, down: int, right: int
) -> Float[Tensor, "n h w"]:
    """Maximum over the run of 2 ``reach`` + 1 pixels around every pixel, inside the picture."""
    runs = F.pad(grey, (reach * right,) * 2 + (reach * down,) * 2, value=-torch.inf)
    length, wanted = 1, 2 * reach + 1
    while length < wanted:
        step = min(length, wanted - length)
        later = runs[:, step * down :, step * right :]
        runs = torch.maximum(runs[:, : later.shape[1], : later.shape[2]], later)
        length += step
    return runs


class Holes(Mean):
    """Mean of `holes` over frames: share of the pixels that lie in small holes, in per mille.

    Example:
        >>> frames = torch.full((1, 3, 50, 50), 0.5)
        >>> frames[..., 20, 30] = 0.0
        >>> Holes()(frames, torch.full((1, 3, 50, 50), 0.5))
        tensor(0.4000)
    """

    higher_is_better = False

    def update(self, preds: Float[Tensor, "t 3 h w"], target: Float[Tensor, "t 3 h w"]) -> None:
        """Add frames and true ones, RGB in [0, 1]."""
        self.add(holes(preds, target))
