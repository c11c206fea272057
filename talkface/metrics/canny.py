"""Canny edges of grey images, as far as a sharpness metric needs them: which blocks hold any.

The settings are those that ``cpbd`` 1.0.7 takes from scikit-image: a Gaussian of one pixel and
absolute thresholds of 0.1 and 0.2 *on grey levels in [0, 255]*, which are so low that nearly every
slope is an edge. Only flat blocks are told apart from the rest.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

SIGMA = 1.0
LOW, HIGH = 0.1, 0.2


def smooth(grey: Float[Tensor, "n h w"]) -> Float[Tensor, "n h w"]:
    """Gaussian blur that gives pixels outside the image no weight."""
    radius = int(4 * SIGMA + 0.5)
    weights = [math.exp(-0.5 * (step / SIGMA) ** 2) for step in range(-radius, radius + 1)]
    images = torch.cat([grey, torch.ones_like(grey[:1])])
    for axis, border in ((1, (0, 0, radius, radius)), (2, (radius, radius))):
        padded = F.pad(images, border)
        length = images.shape[axis]
        images = torch.zeros_like(images)
        for shift, weight in enumerate(weights):
            images.add_(padded.narrow(axis, shift, length), alpha=weight)
    return images[:-1] / images[-1:]


def sobel(grey: Float[Tensor, "n h w"]) -> tuple[Float[Tensor, "n h w"], Float[Tensor, "n h w"]]:
    """Unnormalised Sobel derivatives down and to the right, borders repeated."""
    padded = F.pad(grey[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    across = padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]
    along = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    return across[:, 2:] - across[:, :-2], along[:, :, 2:] - along[:, :, :-2]


def ridges(
    down: Float[Tensor, "n h w"], right: Float[Tensor, "n h w"], strength: Float[Tensor, "n h w"]
) -> Bool[Tensor, "n h w"]:
    """Pixels whose gradient is not exceeded on either side, interpolated along its direction."""
    height, width = strength.shape[1:]

    def shifted(dy: int, dx: int) -> Tensor:
        return strength[:, 1 + dy : height - 1 + dy, 1 + dx : width - 1 + dx]

    down, right, here = (each[:, 1:-1, 1:-1] for each in (down, right, strength))
    down_size, right_size = down.abs(), right.abs()
    steep, large = down_size > right_size, torch.maximum(down_size, right_size)
    weight = torch.minimum(down_size, right_size) / large.clamp_min(torch.finfo(large.dtype).tiny)
    rest = 1 - weight
    falling = down * right >= 0
    maximal = torch.ones_like(steep)
    for sign in (1, -1):
        straight = torch.where(steep, shifted(sign, 0), shifted(0, sign))
        rising_corner = torch.where(steep, shifted(sign, -sign), shifted(-sign, sign))
        corner = torch.where(falling, shifted(sign, sign), rising_corner)
        maximal &= corner.mul_(weight).add_(straight.mul_(rest)) <= here
    return F.pad(maximal, (1, 1, 1, 1))


def edge_blocks(
    grey: Float[Tensor, "n h w"], side: int, threshold: float
) -> Bool[Tensor, "n rows columns"]:
    """Blocks of which more than a share of the pixels lie on Canny edges.

    Weak edges count when a chain of weak edges joins them to a strong one. The chains are followed
    only until every block is decided.

    Args:
        grey: Grey levels in [0, 255].
        side: Side of a block in pixels; what is left over on the right and below is ignored.
        threshold: The share.
    """
    down, right = sobel(smooth(grey))
    strength = (down.square() + right.square()).sqrt()
    weak = ridges(down, right, strength) & (strength >= LOW)

    def busy(edges: Tensor) -> Tensor:
        return F.avg_pool2d(edges.to(grey.dtype)[:, None], side)[:, 0] > threshold

    possible = busy(weak)
    edges = weak & (strength >= HIGH)
    while not torch.equal(found := busy(edges), possible):
        reached = F.max_pool2d(edges.to(grey.dtype)[:, None], 3, stride=1, padding=1)[:, 0] > 0
        grown = reached & weak
        if torch.equal(grown, edges):
            break
        edges = grown
    return found
