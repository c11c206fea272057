"""Cumulative probability of blur detection: how sharp a picture is, without a reference."""

import torch
from jaxtyping import Bool, Float, Int, Int8
from torch import Tensor
from torch.nn import functional as F

from talkface.metrics.canny import edge_blocks
from talkface.metrics.mean import Mean

BLOCK = 64
EDGE_SHARE = 0.002
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


def edge_widths(grey: Float[Tensor, "n h w"]) -> Int[Tensor, "n h w"]:
    """Width in pixels of every vertical edge, 0 where there is none (Marziliano et al. 2002).

    An edge reaches as far as grey levels keep rising, or falling, strictly. Only edges whose
    gradient is horizontal within 22.5 degrees have a width; as in the reference implementation,
    a gradient without horizontal part counts as rising, and a picture in which nothing but the
    direction of zero degrees occurs has no widths at all.
    """
    widths = torch.zeros(grey.shape, dtype=torch.long, device=grey.device)
    edges, found = _widths(grey, vertical_edges(grey) & _directed(grey))
    widths.view(-1)[edges] = found
    return widths


def _widths(
    grey: Float[Tensor, "n h w"], edges: Bool[Tensor, "n h w"]
) -> tuple[Int[Tensor, " e"], Int[Tensor, " e"]]:
    """Where in the flat pictures those edges are that have a width, and the widths."""
    place, levels, below = edges.flatten().nonzero()[:, 0], grey.flatten(), grey.shape[2]
    slope_y = levels[place + below] - levels[place - below]
    slope_x = levels[place + 1] - levels[place - 1]
    level = (slope_y.abs() < (2**0.5 - 1) * slope_x.abs()) | (slope_x == 0)
    place, slope_x = place[level], slope_x[level]
    change = F.pad(grey.diff(dim=2), (1, 0)).sign().to(torch.int8).flatten()  # 0 begins each row
    sign = torch.where(slope_x < 0, -1, 1)
    left, right = _runs(change, place - 1, place + 2, sign)
    return place, left + right + 2


def _runs(
    change: Int8[Tensor, " pixels"],
    last: Int[Tensor, " e"],
    first: Int[Tensor, " e"],
    sign: Int[Tensor, " e"],
) -> tuple[Int[Tensor, " e"], Int[Tensor, " e"]]:
    """How many pixels in a row change by ``sign``, up to ``last`` and from ``first`` on."""
    begins = F.pad(change[1:] != change[:-1], (1, 0), value=True)
    begin, run = F.pad(begins.nonzero()[:, 0], (0, 1), value=len(change)), begins.cumsum(0)
    left = (last + 1 - begin[run[last] - 1]) * (change[last] == sign)
    right = (begin[run[first]] - first) * (change[first] == sign)
    return left.clamp_max(LONGEST), right.clamp_max(LONGEST)


def _directed(grey: Float[Tensor, "n h w"]) -> Bool[Tensor, "n 1 1"]:
    """Whether any pixel, border included, has a gradient that does not point to the right."""
    falling = (grey[:, :, 2:] < grey[:, :, :-2]).flatten(1).any(1)[:, None, None]
    if falling.all():
        return falling
    slope_y, slope_x = torch.gradient(grey, dim=(1, 2))
    turned = (slope_x < 0) | ((slope_x != 0) & (slope_y != 0))
    return turned.flatten(1).any(1)[:, None, None]


def cpbd(images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    r"""Cumulative probability of blur detection of every picture, in [0, 1], 1 = sharp.

    An edge of width $w$ is seen as blurred with probability $1 - e^{-(w / w_{JNB})^{3.6}}$. CPBD is
    the share of edges for which that is at most 63 %, which is to say $w \le w_{JNB}$ (Narvekar &
    Karam 2011, https://doi.org/10.1109/TIP.2011.2131660). It is measured on whole blocks of 64 x 64
    pixels only, so a picture of 64 x 64 is exactly one block. A picture without edges scores 0.

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
    edges = vertical_edges(grey) & _directed(grey)
    edges[:, :rows, :columns] &= busy.repeat_interleave(BLOCK, 1).repeat_interleave(BLOCK, 2)
    edges[:, rows:], edges[:, :, columns:] = False, False
    place, widths = _widths(grey, edges)
    picture, row, column = torch.unravel_index(place, grey.shape)
    sharp = widths <= noticeable[picture, row // BLOCK, column // BLOCK]
    count, good = (torch.bincount(each, minlength=len(grey)) for each in (picture, picture[sharp]))
    return good / count.clamp_min(1)


class CPBD(Mean):
    """Mean of `cpbd` over all pictures.

    Example:
        >>> bars = torch.tensor([0.0] * 7 + [0.5] + [1.0] * 7 + [0.5]).repeat(4)
        >>> CPBD()(bars.expand(1, 3, 64, 64))
        tensor(1.)
    """

    higher_is_better = True

    def update(self, preds: Float[Tensor, "n 3 h w"]) -> None:
        """Add a batch of RGB pictures in [0, 1]."""
        self.add(cpbd(preds))
