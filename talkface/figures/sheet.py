"""Sheets: pictures in rows and columns, with headings above, labels beside and notes below."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from jaxtyping import UInt8
from matplotlib.figure import Figure
from torch import Tensor

from talkface.figures.canvas import GREY, LINE, Canvas, text_width
from talkface.figures.strips import GAP

MARGIN = 12
APART = 16
"""Pixels between groups of columns."""


class Tile(NamedTuple):
    """A picture and what is written below it."""

    picture: UInt8[Tensor, "3 L L"]
    note: str = ""


@dataclass(frozen=True)
class Row:
    """Tiles from the left, None where there is none.

    Attributes:
        label: What stands on the left.
        tiles: Of one size in a whole sheet.
        message: What is written where tiles would be.
    """

    label: str
    tiles: Sequence[Tile | None]
    message: str = ""


@dataclass(frozen=True)
class Block:
    """Rows under one line of headings.

    Attributes:
        title: What stands above it all.
        headings: One for every column.
        rows: From top to bottom.
    """

    title: str
    headings: Sequence[str]
    rows: Sequence[Row]


def sheet(blocks: Sequence[Block], groups: Sequence[int]) -> Figure:
    """Blocks below each other.

    Args:
        blocks: What to show.
        groups: Numbers of neighbouring columns that stand close together.
    """
    sides = [t.picture.shape[-1] for b in blocks for r in b.rows for t in r.tiles if t is not None]
    side = max(sides, default=0)
    left = 2 * MARGIN + max(text_width(row.label) for block in blocks for row in block.rows)
    columns = _columns(left, side, groups)
    tops = [MARGIN, *accumulate((_height(b, side) + APART for b in blocks), initial=MARGIN)][1:]
    right = max([columns[-1] + side, *(left + _wide(block) for block in blocks)])
    canvas = Canvas(right + MARGIN, tops[-1] - APART + MARGIN)
    for block, top in zip(blocks, tops, strict=False):
        _draw(canvas, block, top, columns, side)
    return canvas.figure


def _columns(left: int, side: int, groups: Sequence[int]) -> list[int]:
    """Left edges of all columns."""
    edges = []
    for group in groups:
        edges += [left + index * (side + GAP) for index in range(group)]
        left = edges[-1] + side + APART
    return edges


def _wide(block: Block) -> int:
    """Pixels that the longest line of text beside the labels takes."""
    title = text_width(block.title, bold=True)
    return max([title, *(text_width(row.message) for row in block.rows)])


def _lines(texts: Sequence[str]) -> int:
    """Pixels that the highest of some texts takes."""
    return max((LINE * (text.count("\n") + 1) for text in texts if text), default=0)


def _above(block: Block) -> tuple[int, int]:
    """Heights of title and headings, each with a gap below it."""
    return _lines([block.title]) + GAP, _lines(block.headings) + GAP


def _height(block: Block, side: int) -> int:
    return sum(_above(block)) + sum(_row_height(row, side) for row in block.rows)


def _row_height(row: Row, side: int) -> int:
    if not any(row.tiles):
        return max(_lines([row.label]), _lines([row.message])) + 2 * GAP
    return max(side, _lines([row.label])) + GAP + _lines([t.note for t in row.tiles if t])


def _draw(canvas: Canvas, block: Block, top: int, columns: Sequence[int], side: int) -> None:
    title, headings = _above(block)
    canvas.text(columns[0], top, block.title, bold=True)
    for x, heading in zip(columns, block.headings, strict=False):
        canvas.text(x + side / 2, top + title, heading, align="center")
    top += title + headings
    for row in block.rows:
        _draw_row(canvas, row, top, columns, side)
        top += _row_height(row, side)


def _draw_row(canvas: Canvas, row: Row, top: int, columns: Sequence[int], side: int) -> None:
    height = side if any(row.tiles) else _row_height(row, side)
    middle = top + height / 2
    canvas.text(columns[0] - MARGIN, middle, row.label, align="right", centred=True)
    canvas.text(columns[0], middle, row.message, centred=True)
    for x, tile in zip(columns, row.tiles, strict=False):
        if tile is not None:
            canvas.picture(x, top, tile.picture)
            canvas.text(x + side / 2, top + side, tile.note, align="center", colour=GREY)
