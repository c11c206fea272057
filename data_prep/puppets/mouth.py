"""Painting of the mouth, frame by frame, in a small window of the board."""

import numpy as np

from data_prep.puppets.canvas import Array, Grid, curve, floats, smoothstep
from data_prep.puppets.expression import Expression
from data_prep.puppets.identity import Identity
from data_prep.puppets.lips import MouthShape

DARK = (0.030, 0.006, 0.007)
"""Linear colour of the depth of the mouth."""

TEETH = (0.72, 0.66, 0.56)
TONGUE = (0.42, 0.105, 0.105)


def paint_mouth(rgb: Array, grid: Grid, who: Identity, now: Expression) -> None:
    """Paint lips and what lies between them onto linear ``rgb`` (h, w, 3), in place."""
    shape = MouthShape(who.lips, now)
    x, y = grid.x, grid.y
    outer_top, inner_top = shape.outer_top(x), shape.inner_top(x)
    inner_bottom, outer_bottom = shape.inner_bottom(x), shape.outer_bottom(x)
    within = np.asarray(grid.edge(shape.half_width - np.abs(x)), np.float32)
    _paint_skin(rgb, grid, shape, outer_top, outer_bottom)
    gap = grid.edge(y - inner_top) * grid.edge(inner_bottom - y)
    gap = gap * grid.edge(shape.inner_half_width - np.abs(x)) * min(1.0, shape.gap / 0.012)
    _blend(rgb, _interior(grid, who, now, shape, inner_top, inner_bottom), gap)
    upper = grid.edge(y - outer_top, 0.02) * grid.edge(inner_top - y) * within
    lower = grid.edge(y - inner_bottom) * grid.edge(outer_bottom - y, 0.025) * within
    _blend(rgb, _upper_lip(grid, who, outer_top, inner_top), upper)
    _blend(rgb, _lower_lip(grid, who, shape, inner_bottom, outer_bottom), lower)
    _paint_seam(rgb, grid, who, shape)


def _paint_skin(
    rgb: Array, grid: Grid, shape: MouthShape, outer_top: Array, outer_bottom: Array
) -> None:
    """Shadow under the lower lip, light on the edge of the upper one, dimples at the corners."""
    x, y = grid.x, grid.y
    middle = np.exp(-((x / (0.6 * shape.half_width)) ** 2))
    under = np.exp(-(((y - outer_bottom - 0.035) / 0.04) ** 2)) * middle
    rgb *= 1 - under[..., None] * floats([0.36, 0.46, 0.48])
    above = np.exp(-(((y - outer_top + 0.03) / 0.03) ** 2)) * middle
    rgb *= 1 + 0.10 * above[..., None]
    for side in (-1, 1):
        dx = x - side * (shape.half_width + 0.025)
        corner = floats([side * shape.half_width])
        dy = y - shape.seam(corner)
        dimple = np.exp(-((dx / 0.045) ** 2) - (dy / 0.05) ** 2)
        rgb *= 1 - dimple[..., None] * floats([0.34, 0.44, 0.46])
        _paint_fold(rgb, grid, shape, side)


def _paint_fold(rgb: Array, grid: Grid, shape: MouthShape, side: int) -> None:
    """The fold from the nose around the corner of the mouth, in a smile or a sneer."""
    strength = min(max(shape.now.smile, 0.0) + 0.8 * max(shape.now.sneer, 0.0), 1.0)
    if strength == 0:
        return
    corner, height = shape.half_width, shape.lips.height
    line = [(0.30, height - 0.30), (0.40, height - 0.20), (corner + 0.11, height - 0.06),
            (corner + 0.13, height + 0.06)]  # fmt: skip
    fold = grid.stroke(curve([(side * x, y) for x, y in line]), 0.04, 0.022)
    rgb *= 1 - 0.55 * strength * fold[..., None] * floats([0.5, 0.62, 0.64])


def _interior(
    grid: Grid, who: Identity, now: Expression, shape: MouthShape, top: Array, bottom: Array
) -> Array:
    """Linear colour between the lips: darkness, tongue, lower and upper teeth."""
    x, y = grid.x, grid.y
    u = x / max(shape.inner_half_width, 0.05)
    picture = np.broadcast_to(floats(DARK), (grid.height, grid.width, 3)).copy()
    middle = float(shape.inner_bottom(floats([0.0]))[0])
    rise = now.opening * (0.34 + 0.42 * now.tongue)
    back = middle + 0.03 - rise * np.sqrt(np.clip(1 - (u / 0.78) ** 2, 0, 1))
    tongue = grid.edge(y - np.asarray(back, np.float32), 0.03)
    tone = 0.55 + 0.7 * np.clip((y - back) / 0.12, 0, 1) - 0.15 * np.exp(-((x / 0.02) ** 2))
    _blend(picture, floats(TONGUE) * tone[..., None], tongue * (np.abs(u) < 0.78))
    _paint_lower_teeth(picture, grid, now, u, bottom)
    if now.tongue > 0.75:  # between the teeth, as in "think"
        tip = grid.edge(np.asarray(0.5 - np.abs(u), np.float32), 0.1) * grid.edge(y - back)
        _blend(
            picture,
            floats(TONGUE) * 1.15,
            np.asarray(tip * (now.tongue - 0.75) * 4, np.float32),
        )
    _paint_upper_teeth(picture, grid, who, now, u)
    shade = 0.45 + 0.55 * smoothstep(0.0, 0.07, np.asarray(y - top, np.float32))
    picture *= shade[..., None]
    return picture


def _paint_upper_teeth(
    picture: Array, grid: Grid, who: Identity, now: Expression, u: Array
) -> None:
    """A row fixed to the skull: the lip uncovers it."""
    x, y = grid.x, grid.y
    reach = who.lips.height + 0.030 - 0.012 * (x / 0.3) ** 2
    pitch = 0.115 * (1 - 0.35 * np.minimum(np.abs(x) / 0.4, 1))
    tooth = np.abs(np.mod(x / pitch, 1.0) - 0.5) * 2
    edge = reach - 0.010 * tooth**4
    row = grid.edge(np.asarray(edge - y, np.float32), 0.014)
    shape = 1 - 0.55 * np.abs(u) ** 2 - 0.28 * tooth**10
    white = floats(TEETH) * np.clip(shape, 0.15, 1)[..., None]
    _blend(picture, white, np.asarray(row * (1 - 0.5 * now.rounding) * np.ones_like(x), np.float32))


def _paint_lower_teeth(
    picture: Array, grid: Grid, now: Expression, u: Array, bottom: Array
) -> None:
    """A row fixed to the jaw, mostly behind the lower lip."""
    x, y = grid.x, grid.y
    showing = 0.045 * smoothstep(0.06, 0.22, floats(now.opening)) * (1 - 0.7 * now.rounding)
    top = bottom - showing * (1 - np.abs(u) ** 2.5)
    tooth = np.abs(np.mod(x / 0.075 + 0.5, 1.0) - 0.5) * 2
    row = grid.edge(np.asarray(y - top, np.float32), 0.014) * float(showing > 0)
    white = 0.72 * floats(TEETH) * np.clip(1 - 0.5 * u**2 - 0.3 * tooth**10, 0.2, 1)[..., None]
    _blend(picture, white, np.asarray(row, np.float32))


def _upper_lip(grid: Grid, who: Identity, top: Array, bottom: Array) -> Array:
    """In shadow: it faces down."""
    place = np.clip((grid.y - top) / np.maximum(bottom - top, 0.01), 0, 1)
    tone = 0.80 - 0.34 * place + 0.14 * np.exp(-(((place - 0.15) / 0.15) ** 2))
    return _lip_colour(grid, who, tone)


def _lower_lip(grid: Grid, who: Identity, shape: MouthShape, top: Array, bottom: Array) -> Array:
    """Lit: it faces up, with a soft wet highlight."""
    place = np.clip((grid.y - top) / np.maximum(bottom - top, 0.01), 0, 1)
    tone = 0.66 + 0.52 * np.sin(np.pi * np.clip(place * 0.9 + 0.06, 0, 1)) - 0.22 * place
    colour = _lip_colour(grid, who, tone)
    x = grid.x - 0.12 * who.light[0]
    spot = np.exp(-(((place - 0.38) / 0.16) ** 2) - ((np.abs(x) - 0.10) / 0.11) ** 2)
    colour += (0.07 * spot * (1 - 0.3 * shape.now.rounding))[..., None]
    return colour


def _lip_colour(grid: Grid, who: Identity, tone: Array) -> Array:
    x = grid.x
    folds = 1 - 0.06 * np.cos(2 * np.pi * x / 0.055) * np.ones_like(grid.y)
    side = 1 + 0.35 * who.light[0] * x - 0.5 * x**2
    return np.asarray(
        np.asarray(who.colours.lips, np.float32) * (tone * folds * side)[..., None], np.float32
    )


def _paint_seam(rgb: Array, grid: Grid, who: Identity, shape: MouthShape) -> None:
    """The dark line where the lips touch: all of it when closed, else the corners."""
    x = grid.x
    u = np.abs(x) / shape.inner_half_width
    closed = 1 - min(1.0, shape.gap / 0.04)
    where = np.maximum(closed, smoothstep(0.86, 1.0, u)) * (1 - smoothstep(1.02, 1.10, u))
    line = np.exp(-(((grid.y - shape.inner_bottom(x) + 0.004) / 0.013) ** 2)) * where
    dark = np.asarray(who.colours.lips, np.float32) * floats([0.16, 0.10, 0.10])
    _blend(rgb, dark, np.asarray(0.85 * line, np.float32))


def _blend(rgb: Array, colour: Array, mask: Array) -> None:
    rgb += (colour - rgb) * mask[..., None]
