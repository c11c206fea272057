"""One network as an SVG picture: boxes in the order of data flow."""

from itertools import pairwise
from typing import NamedTuple
from xml.sax.saxutils import escape

from talkface.diagrams.cost import Blueprint, Cost, Measured, Part
from talkface.diagrams.units import operations, parameters, shape

WIDTH, HEIGHT = 360, 48
ACROSS, DOWN = 24, 22
"""Size of a box, and the gaps beside and below it."""

MARGIN = 20
TOP = 112
"""Where the first box begins: below title, costs and headings."""

INK, GREY = "#1f2328", "#59636e"
FRAME, PORTRAIT, BAR = "#ffffff", "#fff5e6", "#4f8ac9"
"""Boxes of what is computed every time and once per portrait, and the bar of a box."""

FONT = "font-family='Helvetica, Arial, sans-serif'"


class Box(NamedTuple):
    """A part and where it stands; x and y are of its upper left corner."""

    part: Part
    x: int
    y: int
    fill: str


def draw(blueprint: Blueprint, measured: Measured) -> str:
    """The figure: every box has its name, the shape of its output, parameters and operations.

    The bar of a box is as long as its share of all operations.
    """
    has_portrait = any(row.portrait for row in blueprint.rows)
    left = MARGIN + (WIDTH + 2 * ACROSS if has_portrait else 0)
    columns = max(len(row.parts) for row in blueprint.rows)
    inner = columns * (WIDTH + ACROSS) - ACROSS
    rows = _place(blueprint, left, inner)
    width, height = left + inner + MARGIN, TOP + len(rows) * (HEIGHT + DOWN) - DOWN + MARGIN
    middle = left + inner // 2
    elements = [*_title(blueprint, measured), _text(middle, TOP - 22, blueprint.source, "middle")]
    if has_portrait:
        elements.append(_text(MARGIN + WIDTH // 2, TOP - 22, "once per portrait", "middle"))
    first = [box for box in rows[0][1] if box.part.modules]
    elements += [_arrow(middle, TOP - 16, box.x + WIDTH // 2, TOP) for box in first]
    elements += _arrows(rows)
    total = max(1, measured.flops + measured.once)
    for portrait, boxes in rows:
        for box in (*([portrait] if portrait else []), *boxes):
            elements += _box(box, measured.costs[box.part], total)
    return _document(width, height, elements)


Placed = tuple[Box | None, list[Box]]
"""Boxes of one row: what comes from the portrait, and the others."""


def _place(blueprint: Blueprint, left: int, inner: int) -> list[Placed]:
    rows: list[Placed] = []
    for index, row in enumerate(blueprint.rows):
        y = TOP + index * (HEIGHT + DOWN)
        start = left + (inner - len(row.parts) * (WIDTH + ACROSS) + ACROSS) // 2
        boxes = [
            Box(part, start + i * (WIDTH + ACROSS), y, FRAME) for i, part in enumerate(row.parts)
        ]
        rows.append((Box(row.portrait, MARGIN, y, PORTRAIT) if row.portrait else None, boxes))
    return rows


def _arrows(rows: list[Placed]) -> list[str]:
    """From what enters a box to the box."""
    arrows = []
    for (_, above), (_, below) in pairwise(rows):
        pairs = (
            zip(above, below, strict=True)
            if len(above) == len(below)
            else ((upper, lower) for upper in above for lower in below)
        )
        arrows += [
            _arrow(upper.x + WIDTH // 2, upper.y + HEIGHT, lower.x + WIDTH // 2, lower.y)
            for upper, lower in pairs
        ]
    for portrait, boxes in rows:
        if portrait:
            y = portrait.y + HEIGHT // 2
            arrows.append(_arrow(portrait.x + WIDTH, y, boxes[0].x, y))
    return arrows


def _title(blueprint: Blueprint, measured: Measured) -> list[str]:
    once = f", and {operations(measured.once)} once per portrait" if measured.once else ""
    costs = (
        f"{_learned(measured.parameters)}, {operations(measured.flops)} per {blueprint.unit}{once}"
    )
    return [
        _text(MARGIN, 36, blueprint.title, size=20, weight="bold", fill=INK),
        _text(MARGIN, 60, costs, size=14),
    ]


def _box(box: Box, cost: Cost, total: int) -> list[str]:
    x, y, right = box.x, box.y, box.x + WIDTH - 12
    bar = round(cost.flops / total * (WIDTH - 2), 1)
    return [
        f"<rect x='{x}' y='{y}' width='{WIDTH}' height='{HEIGHT}' rx='4' fill='{box.fill}' "
        f"stroke='{GREY}'/>",
        f"<rect x='{x + 1}' y='{y + HEIGHT - 6}' width='{bar:g}' height='5' fill='{BAR}'/>",
        _text(x + 12, y + 19, box.part.name, weight="bold", fill=INK),
        _text(right, y + 19, shape(cost.shape), "end", fill=INK),
        _text(x + 12, y + 36, _learned(cost.parameters), size=12),
        _text(right, y + 36, operations(cost.flops), "end", size=12),
    ]


def _learned(count: int) -> str:
    return f"{parameters(count)} parameter{'' if count == 1 else 's'}"


def _text(
    x: int,
    y: int,
    text: str,
    anchor: str = "start",
    *,
    size: int = 13,
    weight: str = "normal",
    fill: str = GREY,
) -> str:
    return (
        f"<text x='{x}' y='{y}' text-anchor='{anchor}' font-size='{size}' "
        f"font-weight='{weight}' fill='{fill}'>{escape(text)}</text>"
    )


def _arrow(x1: int, y1: int, x2: int, y2: int) -> str:
    """A line to a box: down, across and down again, unless it is straight."""
    path = f"H{x2}" if y1 == y2 else f"V{(y1 + y2) // 2}H{x2}V{y2}"
    return f"<path d='M{x1} {y1}{path}' fill='none' stroke='{GREY}' marker-end='url(#head)'/>"


def _document(width: int, height: int, elements: list[str]) -> str:
    head = (
        "<defs><marker id='head' viewBox='0 0 8 8' refX='8' refY='4' markerWidth='8' "
        f"markerHeight='8' orient='auto'><path d='M0 0L8 4L0 8z' fill='{GREY}'/></marker></defs>"
    )
    return "\n".join(
        [
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' "
            f"width='{width}' height='{height}' {FONT}>",
            head,
            f"<rect width='{width}' height='{height}' fill='#ffffff'/>",
            *elements,
            "</svg>\n",
        ]
    )
