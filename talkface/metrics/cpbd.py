"""Cumulative probability of blur detection: how sharp a picture is, without a reference."""

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F
from torchmetrics import Metric

from talkface.metrics.canny import edge_blocks

BLOCK = 64
EDGE_SHARE = 0.002
BETA = 3.6
DETECTED = 0.63
"""Blur is seen with this probability where an edge is just noticeably wide."""

LOW_CONTRAST = 50
WIDTH_LOW, WIDTH_HIGH = 5.0, 3.0
"""Just noticeable width of an edge in pixels, in blocks of low and of higher contrast."""

LONGEST = 100
"""Steps after which an edge is not followed further."""

CHUNK = 2**18
"""Pixels worked on at once."""


def luma(images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n h w"]:
    """BT.601 grey levels, rounded to integers in [0, 255] the way 8-bit image files are read."""
    red, green, blue = (images.clamp(0, 1) * 255).round().int().unbind(1)
    return ((19595 * red + 38470 * green + 7471 * blue + 2**15) >> 16).float()


def vertical_edges(grey: Float[Tensor, "n h w"]) -> Bool[Tensor, "n h w"]:
    """Thinned Sobel edges; the outermost pixels never are one."""
    padded = F.pad(grey[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    rows = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    strength = ((rows[:, :, 2:] - rows[:, :, :-2]) / 8).square()
    floor = 2 * strength.mean((1, 2), dtype=torch.float64, keepdim=True).sqrt()
    strength = strength.where(strength > floor, 0)
    inner = strength[:, 1:-1, 1:-1]
    peak = (inner > strength[:, 1:-1, :-2]) & (inner > strength[:, 1:-1, 2:])
    peak |= (inner > strength[:, :-2, 1:-1]) & (inner > strength[:, 2:, 1:-1])
    return F.pad(peak, (1, 1, 1, 1))


def run_lengths(step: Bool[Tensor, "n h w"]) -> Int[Tensor, "n h w"]:
    """How many steps in a row end at each pixel."""
    place = torch.arange(step.shape[2], device=step.device).expand(step.shape)
    run = place - place.where(~step, -1).cummax(2).values
    return run.clamp_max(LONGEST)


def edge_widths(grey: Float[Tensor, "n h w"]) -> Int[Tensor, "n h w"]:
    """Width in pixels of every vertical edge, 0 where there is none (Marziliano et al. 2002).

    An edge reaches as far as grey levels keep rising, or falling, strictly. Only edges whose
    gradient is horizontal within 22.5 degrees have a width; as in the reference implementation,
    a gradient without horizontal part counts as rising, and a picture in which nothing but the
    direction of zero degrees occurs has no widths at all.
    """
    below, above = grey[:, 2:, 1:-1], grey[:, :-2, 1:-1]
    slope_y, slope_x = F.pad(below - above, (1, 1, 1, 1)), F.pad(grey[:, :, 2:], (1, 1))
    slope_x = slope_x - F.pad(grey[:, :, :-2], (1, 1))
    level = slope_y.abs() < (2**0.5 - 1) * slope_x.abs()
    widths = torch.zeros(grey.shape, dtype=torch.long, device=grey.device)
    change = F.pad(grey.diff(dim=2), (1, 0))
    for sign, chosen in ((1, level & (slope_x > 0) | (slope_x == 0)), (-1, level & (slope_x < 0))):
        ahead = F.pad(sign * change[:, :, 1:] > 0, (0, 1))
        left = run_lengths(sign * change > 0)[:, :, :-2]
        right = run_lengths(ahead.flip(2)).flip(2)[:, :, 2:]
        widths = torch.where(chosen, F.pad(left + right + 2, (1, 1)), widths)
    return widths * (vertical_edges(grey) & _directed(grey))


def _directed(grey: Float[Tensor, "n h w"]) -> Bool[Tensor, "n 1 1"]:
    """Whether any pixel, border included, has a gradient that does not point to the right."""
    slope_y, slope_x = torch.gradient(grey, dim=(1, 2))
    turned = (slope_x < 0) | ((slope_x != 0) & (slope_y != 0))
    return turned.flatten(1).any(1)[:, None, None]


def cpbd(images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    r"""Cumulative probability of blur detection of every picture, in [0, 1], 1 = sharp.

    An edge of width $w$ is seen as blurred with probability $1 - e^{-(w / w_{JNB})^{3.6}}$; CPBD is
    the share of edges for which that is at most 63 % (Narvekar & Karam 2011,
    https://doi.org/10.1109/TIP.2011.2131660). It is measured on whole blocks of 64 x 64 pixels
    only, so a picture of 64 x 64 is exactly one block. A picture without edges scores 0.

    Args:
        images: RGB in [0, 1].

    Raises:
        ValueError: If the pictures are smaller than one block.
    """
    height, width = images.shape[-2:]
    if min(height, width) < BLOCK:
        raise ValueError(
            f"CPBD is measured on blocks of {BLOCK} x {BLOCK} pixels, but the pictures are "
            f"{height} x {width}: render at least {BLOCK} x {BLOCK}, or leave CPBD out."
        )
    if not len(images):
        return images.new_zeros(0)
    return torch.cat(
        [_scores(luma(part)) for part in images.split(max(1, CHUNK // (height * width)))]
    )


def _scores(grey: Float[Tensor, "n h w"]) -> Float[Tensor, " n"]:
    high, low = F.max_pool2d(grey[:, None], BLOCK)[:, 0], -F.max_pool2d(-grey[:, None], BLOCK)[:, 0]
    noticeable = torch.where(high - low <= LOW_CONTRAST, WIDTH_LOW, WIDTH_HIGH)
    busy = edge_blocks(grey, BLOCK, EDGE_SHARE)
    rows, columns = busy.shape[1] * BLOCK, busy.shape[2] * BLOCK
    widths = edge_widths(grey)[:, :rows, :columns]
    widths = widths * _per_pixel(busy)
    probability = 1 - torch.exp(-((widths / _per_pixel(noticeable)) ** BETA))
    edges = widths > 0
    sharp = edges & ((100 * probability).round() <= 100 * DETECTED)
    return sharp.flatten(1).sum(1) / edges.flatten(1).sum(1).clamp_min(1)


def _per_pixel(blocks: Tensor) -> Tensor:
    return blocks.repeat_interleave(BLOCK, 1).repeat_interleave(BLOCK, 2)


class CPBD(Metric):
    """Mean of `cpbd` over all pictures.

    Example:
        >>> bars = torch.tensor([0.0] * 7 + [0.5] + [1.0] * 7 + [0.5]).repeat(4)
        >>> CPBD()(bars.expand(1, 3, 64, 64))
        tensor(1.)
    """

    higher_is_better = True
    full_state_update = False

    total: Tensor
    count: Tensor

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("total", torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, preds: Float[Tensor, "n 3 h w"]) -> None:
        """Add a batch of RGB pictures in [0, 1]."""
        self.total += cpbd(preds).sum()
        self.count += len(preds)

    def compute(self) -> Float[Tensor, ""]:
        """Mean score, in [0, 1]."""
        return self.total / self.count
