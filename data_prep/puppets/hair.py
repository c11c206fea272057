"""Hair: masks by style, filled with strands that run from the parting or the crown."""

from dataclasses import dataclass

import numpy as np

from data_prep.puppets.canvas import (
    Array,
    Grid,
    Layer,
    curve,
    floats,
    mirrored,
    noise,
    smoothstep,
    soften,
)
from data_prep.puppets.identity import HairStyle, Identity


@dataclass(frozen=True)
class Cut:
    """Outline of a hair style.

    Attributes:
        lift: How far the hair stands off the skull at the top, and at the sides.
        fall: How far down the hair reaches at the sides.
        hairline: Height of the hair's edge in the middle of the forehead.
        curtain: How fast that edge falls away from the parting.
        ragged: Size of the irregularities of the edge.
        frizz: Size of the irregularities of the outline.
    """

    lift: tuple[float, float]
    fall: float
    hairline: float
    curtain: float
    ragged: float = 0.015
    frizz: float = 0.01


CUTS: dict[HairStyle, Cut] = {
    "buzz": Cut((0.04, 0.02), 0.05, -0.98, 0.30, 0.02, 0.006),
    "short": Cut((0.16, 0.05), 0.12, -0.93, 0.28, 0.03, 0.02),
    "side": Cut((0.24, 0.06), 0.16, -0.98, 0.32, 0.02, 0.015),
    "fringe": Cut((0.20, 0.14), 0.45, -0.50, 0.03, 0.04, 0.015),
    "curly": Cut((0.36, 0.30), 0.55, -0.86, 0.30, 0.05, 0.01),
    "bob": Cut((0.20, 0.24), 1.35, -1.05, 0.85, 0.015, 0.01),
    "long": Cut((0.20, 0.22), 2.75, -1.08, 0.80, 0.015, 0.012),
    "bun": Cut((0.08, 0.03), 0.10, -0.98, 0.40, 0.012, 0.006),
}


_CROWNS: dict[HairStyle, tuple[float, float]] = {
    "bun": (0.0, -1.86),
    "side": (1.6, -1.6),
    "short": (1.0, -1.85),
}
"""Where strands start: a factor of the parting, and a height."""


def paint_back_hair(grid: Grid, layer: Layer, who: Identity, rng: np.random.Generator) -> None:
    """What hangs behind the neck, or is gathered on top."""
    style = who.style
    if style.hair in {"long", "bob", "curly"}:
        cut = CUTS[style.hair]
        reach = cut.fall if style.hair != "curly" else 0.9
        mask = _mass(grid, who, cut, reach, rng)
        layer.paint(0.5 * _strands(grid, who, rng), mask)
    elif style.hair == "bun":
        t = np.linspace(0, 2 * np.pi, 48)
        cy = -1.86 * who.bones.forehead
        knot = np.stack([0.42 * np.cos(t), cy + 0.34 * np.sin(t)], axis=1)
        layer.paint(0.85 * _strands(grid, who, rng), grid.polygon(knot, 0.012))


def front_hair(grid: Grid, who: Identity, rng: np.random.Generator) -> Layer:
    """The hair in front of the skull, as a layer of its own: it may hang over brows and cheeks."""
    layer = Layer.empty(grid)
    if who.style.hair == "bald":
        return layer
    cut = CUTS[who.style.hair]
    outer = _mass(grid, who, cut, cut.fall, rng)
    face = grid.polygon(_opening(who, cut, rng), 0.012 if who.style.hair != "buzz" else 0.05)
    below = 1 - smoothstep(
        cut.fall - 0.1, cut.fall + 0.05, grid.y + 0.06 * noise(rng, grid, 0.1, 0.6)
    )
    mask = outer * (1 - face) * below
    strands = _strands(grid, who, rng)
    rim = soften(outer * (1 - face), 0.09 * grid.scale)
    strands *= (0.45 + 0.6 * smoothstep(0.25, 0.85, rim))[..., None]
    layer.paint(strands, mask * (0.72 if who.style.hair == "buzz" else 1.0))
    return layer


def shade_under(grid: Grid, layer: Layer, hair: Layer) -> None:
    """The shadow that hair throws on the skin below and beside it."""
    step = max(1, round(0.06 * grid.scale))
    fallen = np.roll(soften(hair.alpha, 0.07 * grid.scale), step, axis=0)
    layer.tint((0.58, 0.46, 0.42), np.clip(0.85 * fallen, 0, 1, dtype=np.float32))


def _mass(grid: Grid, who: Identity, cut: Cut, fall: float, rng: np.random.Generator) -> Array:
    """Coverage of the whole head of hair; curls make its edge lumpy."""
    mask = grid.polygon(_outer(who, cut, fall, rng), 0.008)
    if who.style.hair != "curly":
        return mask
    lumps = soften(mask, 0.10 * grid.scale) + 0.16 * noise(rng, grid, 0.15) * (grid.y < fall)
    return smoothstep(0.46, 0.54, np.asarray(lumps, np.float32))


def _outer(who: Identity, cut: Cut, fall: float, rng: np.random.Generator) -> Array:
    """Closed outline of the whole head of hair."""
    wide, top = 1.13 * who.bones.face_width, -1.66 * who.bones.forehead
    up = cut.lift[0] * (0.75 + 0.25 * who.style.volume)
    out = wide + cut.lift[1] * (0.7 + 0.3 * who.style.volume)
    right = [(0.0, top - up), (0.50 * out, 0.97 * top - up), (0.84 * out, 0.79 * top - 0.7 * up),
             (0.98 * out, -0.78), (1.02 * out, -0.2), (1.0 * out, 0.35)]  # fmt: skip
    if fall > 0.5:  # hair that hangs below the ears
        flare = 1.06 if fall < 2 else 1.12
        right += [
            (1.02 * out, 0.9),
            (flare * out, 0.75 * fall + 0.3),
            (0.98 * flare * out, fall + 0.1),
        ]
    points = mirrored(curve([*right, (0.0, right[-1][1] + 0.05)]))
    wobble = cut.frizz * np.convolve(rng.standard_normal(len(points) + 2), [0.3, 0.4, 0.3], "valid")
    centre = floats([0, -0.4])
    away = points - centre
    away /= np.linalg.norm(away, axis=1, keepdims=True) + 1e-6
    return np.asarray(points + away * wobble[:, None] * 2, np.float32)


def _opening(who: Identity, cut: Cut, rng: np.random.Generator) -> Array:
    """The part of the face that hair leaves free, closed, extended far below."""
    wide = 1.13 * who.bones.face_width
    edge = (0.93 if cut.fall < 0.5 else 0.90) * wide
    part = {"side": who.style.parting, "long": 0.7 * who.style.parting, "bob": who.style.parting}
    middle = part.get(who.style.hair, 0.0)
    x = np.linspace(-edge, edge, 61)
    away = np.abs(x - middle)
    y = cut.hairline + who.style.hairline + cut.curtain * away**1.7
    y = y + 0.55 * smoothstep(0.72, 1.0, np.abs(x / edge).astype(np.float32))
    y = y + cut.ragged * np.convolve(rng.standard_normal(63), [0.25, 0.5, 0.25], "valid")
    bottom = max(cut.fall + 0.3, 2.0)
    sides = [(1.01 * edge, 0.2), (0.98 * edge, 0.9), (0.93 * edge, bottom), (0.93 * edge, 3.4)]
    right = curve(sides)
    left = right[::-1] * floats([-1, 1])
    return np.concatenate([np.stack([x, y], axis=1), right, left]).astype(np.float32)


def _strands(grid: Grid, who: Identity, rng: np.random.Generator) -> Array:
    """Linear colour of hair everywhere, (h, w, 3)."""
    base = np.asarray(who.colours.hair, np.float32)
    crown_x, crown_y = _CROWNS.get(who.style.hair, (0.5, -1.95))
    crown_x *= who.style.parting
    x, y = grid.x - crown_x, grid.y - crown_y
    distance = np.sqrt(x**2 + y**2)
    if who.style.hair == "curly":
        grain = 0.55 * noise(rng, grid, 0.11) + 0.35 * noise(rng, grid, 0.05)
    elif who.style.hair == "buzz":
        grain = 0.4 * noise(rng, grid, 0.03)
    else:
        swirl = 0.55 * np.sign(crown_x) * distance if who.style.hair in {"side", "short"} else 0.0
        wave = 0.06 * np.sin(2.5 * distance + 6.28 * rng.random())
        angle = np.arctan2(x, y) + wave + swirl
        grain = _along(rng, angle, distance)
    sheen = np.exp(-(((distance - 0.75 + 0.15 * grain) / 0.28) ** 2))
    lit = 0.62 + 0.30 * grain + 0.75 * sheen * (0.6 + 0.5 * grain)
    lit = lit + 0.35 * who.light[0] * np.clip(grid.x, -1.2, 1.2)
    shine = 0.02 * sheen * np.clip(1 + grain, 0, 2)
    return np.asarray(base * np.clip(lit, 0.2, 2.2)[..., None] + shine[..., None], np.float32)


def _along(rng: np.random.Generator, angle: Array, distance: Array) -> Array:
    """Noise that changes fast across strands and slowly along them."""
    total = np.zeros_like(distance)
    for strands, rings, weight in ((70, 3, 0.5), (180, 5, 0.5), (24, 2, 0.5)):
        table = rng.standard_normal((rings, strands))
        column = np.mod(angle / (2 * np.pi), 1.0) * strands
        row = np.clip(distance / 4.5, 0, 1) * (rings - 1)
        c, r = column.astype(int) % strands, np.minimum(row.astype(int), rings - 2)
        fc, fr = column % 1, row - r
        d = (c + 1) % strands
        top = table[r, c] * (1 - fc) + table[r, d] * fc
        low = table[r + 1, c] * (1 - fc) + table[r + 1, d] * fc
        total = total + weight * (top * (1 - fr) + low * fr)
    return np.asarray(total, np.float32)
