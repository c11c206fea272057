"""The sheet of swapped sources."""

from collections.abc import Mapping

import torch
from jaxtyping import Float, UInt8
from matplotlib.figure import Figure
from torch import Tensor

from talkface.figures.moments import seconds
from talkface.figures.pictures import tile
from talkface.figures.sheet import Block, Row, Tile, sheet
from talkface.figures.strips import evenly

COLUMNS = 6
GAIN = 8.0
"""Factor of the map of changes."""


def draw_swaps(
    title: str,
    donor: Float[Tensor, "t 3 S S"],
    rows: Mapping[str, Float[Tensor, "t 3 S S"]],
    bases: Mapping[str, str],
) -> Figure:
    """True frames of both clips, then every row, and on the right where it differs from its base.

    The map is the mean over all frames of the absolute difference, times ``GAIN``.

    Args:
        title: What stands above.
        donor: True frames of the clip that sources are taken from, in [0, 1].
        rows: Frames by label, true frames of the other clip first.
        bases: Label of the row that a row is held against.
    """
    moments = evenly(len(donor), COLUMNS)
    lines = []
    for row, frames in rows.items():
        changed = Tile(tile(_map(frames, rows[bases[row]]))) if row in bases else None
        lines.append(Row(row, [*_tiles(frames, moments), changed]))
    lines.insert(1, Row("B, true frames", _tiles(donor, moments)))
    headings = [*(seconds(at) for at in moments.tolist()), f"|change| × {GAIN:g}"]
    return sheet([Block(title, headings, lines)], (len(moments), 1))


def _tiles(frames: Tensor, moments: Tensor) -> list[Tile | None]:
    return [Tile(tile(as_bytes(frames[at]))) for at in moments.tolist()]


def _map(frames: Tensor, base: Tensor) -> UInt8[Tensor, "3 S S"]:
    apart = (frames - base).abs().mean((0, 1)) * GAIN
    return as_bytes(apart.expand(3, -1, -1))


def as_bytes(image: Float[Tensor, "*n 3 h w"]) -> UInt8[Tensor, "*n 3 h w"]:
    """Images in [0, 1] as a picture file holds them, on the CPU."""
    return (image.clamp(0, 1) * 255).round().to(torch.uint8).cpu()
