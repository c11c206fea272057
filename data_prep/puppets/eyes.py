"""Painting of eyes and brows, frame by frame, in a small window of the board."""

import numpy as np

from data_prep.puppets.canvas import Array, Grid, floats, noise, smoothstep
from data_prep.puppets.expression import Expression
from data_prep.puppets.identity import Identity
from data_prep.puppets.lids import BrowShape, EyeShape

_SHADE = floats([0.50, 0.60, 0.62])
_FEET = ((-0.02, -0.35), (0.05, 0.0), (0.12, 0.35))

IRIS = 0.098
"""Radius of an iris; it hardly differs between people."""


def paint_eye(rgb: Array, grid: Grid, who: Identity, now: Expression, side: int) -> None:
    """Paint one eye onto linear ``rgb`` (h, w, 3), in place."""
    shape = EyeShape(who.eyes, side, now)
    x, y = grid.x, grid.y
    upper, lower = shape.upper(x), shape.lower(x)
    across = shape.across(x)
    inside = (np.abs(across) < 1).astype(np.float32)
    _paint_lid(rgb, grid, who, shape, now)
    opening = grid.edge(y - upper) * grid.edge(lower - y) * inside
    _blend(rgb, _eyeball(grid, who, now, side, upper, lower), opening)
    lash = 0.014 + 0.012 * who.eyes.lashes
    fade = smoothstep(-1.05, -0.55, across) * np.clip(1.12 - np.abs(across) ** 8, 0, 1) * inside
    top = np.exp(-(((y - upper + 0.4 * lash) / lash) ** 2)) * fade
    _blend(rgb, floats([0.012, 0.009, 0.008]), (0.62 + 0.35 * who.eyes.lashes) * top)
    rim = np.exp(-(((y - lower) / 0.012) ** 2)) * inside
    _blend(rgb, np.asarray(who.colours.skin, np.float32) * floats([0.5, 0.3, 0.28]), 0.5 * rim)
    _paint_wing(rgb, grid, who, shape)


def _eyeball(
    grid: Grid, who: Identity, now: Expression, side: int, upper: Array, lower: Array
) -> Array:
    """Linear colour of sclera, iris, pupil and highlight."""
    cx, cy = side * 0.5 + 0.085 * now.gaze_x, -0.012 + 0.05 * now.gaze_y
    dx, dy = grid.x - cx, grid.y - cy
    radius = np.sqrt(dx**2 + dy**2)
    shadow = 0.42 + 0.58 * smoothstep(-0.01, 0.085, np.asarray(grid.y - upper, np.float32))
    ball = 1 - 0.9 * (grid.x - side * 0.5) ** 2 / 0.09
    white = floats([0.70, 0.66, 0.63]) * (shadow * np.clip(ball, 0.45, 1))[..., None]
    inner = np.exp(-(((grid.x - side * (0.5 - who.eyes.width)) / 0.05) ** 2)) * np.ones_like(radius)
    _blend(white, floats([0.5, 0.2, 0.18]), 0.75 * inner)
    colour = np.asarray(who.colours.iris, np.float32)
    spokes = 1 + 0.22 * np.sin(17 * np.arctan2(dy, dx) + who.seed) * (radius / IRIS)
    glow = 0.75 + 0.9 * np.clip(dy / IRIS + 0.3, 0, 1)
    ring = 1 - 0.75 * smoothstep(0.72 * IRIS, IRIS, radius)
    iris = colour * (1.15 * spokes * glow * ring * (0.55 + 0.45 * shadow))[..., None]
    _blend(white, iris, grid.edge(IRIS - radius, 0.014))
    _blend(white, floats([0.004, 0.004, 0.005]), grid.edge(0.40 * IRIS - radius, 0.012))
    for (hx, hy), size, power in ((_spark(who), 0.027, 0.95), ((0.035, 0.045), 0.018, 0.25)):
        spark = grid.edge(size - np.hypot(dx - hx, dy - hy).astype(np.float32), 0.014)
        _blend(white, floats([1, 1, 1]), power * spark)
    return floats(white)


def _spark(who: Identity) -> tuple[float, float]:
    return float(np.clip(0.045 * np.sign(who.light[0] or 1), -0.045, 0.045)), -0.04


def _paint_lid(rgb: Array, grid: Grid, who: Identity, shape: EyeShape, now: Expression) -> None:
    """Upper lid: rounded skin between crease and lashes, larger as the eye closes."""
    x, y = grid.x, grid.y
    across = shape.across(x)
    inside = np.clip(1 - np.abs(across) ** 4, 0, 1)
    upper = shape.upper(x)
    crease = shape.corners(x) - (0.165 * who.eyes.height + 0.02 * now.brow) * inside**0.5
    crease = np.asarray(crease - 0.005 + 0.025 * now.blink, np.float32)
    lid = grid.edge(y - crease, 0.03) * grid.edge(upper - y, 0.02) * inside
    place = np.clip((y - crease) / np.maximum(upper - crease, 0.02), 0, 1)
    skin = np.asarray(who.colours.skin, np.float32)
    relief = (
        0.55 + 0.38 * np.sin(np.pi * np.clip(place * 0.85 + 0.1, 0, 1)) - 0.12 * (1 - now.blink)
    )
    _blend(rgb, skin * floats([1.0, 0.90, 0.90]) * relief[..., None], 0.75 * lid)
    line = np.exp(-(((y - crease) / 0.018) ** 2)) * inside
    _blend(
        rgb,
        skin * floats([0.34, 0.24, 0.22]),
        0.55 * who.eyes.crease * line * (1 - 0.4 * now.blink),
    )
    below = shape.lower(x) + 0.045
    bag = np.exp(-(((y - below) / 0.03) ** 2)) * inside
    _blend(rgb, rgb * 1.18, 0.5 * bag)


def _paint_wing(rgb: Array, grid: Grid, who: Identity, shape: EyeShape) -> None:
    """Lashes that stand out at the outer corner."""
    strength = who.eyes.lashes
    if strength < 0.3:  # too short to be seen
        return
    across = shape.across(grid.x)
    rise = shape.upper(grid.x) - 0.035 * strength * smoothstep(0.55, 1.05, across)
    ends = smoothstep(0.4, 0.8, across) * (1 - smoothstep(1.02, 1.16, across))
    lash = np.exp(-(((grid.y - rise) / (0.012 + 0.006 * strength)) ** 2)) * ends
    _blend(rgb, floats([0.012, 0.009, 0.008]), 0.8 * min(strength, 1.0) * lash)


def brow_grain(grid: Grid, seed: int) -> Array:
    """Hairs of a brow, fixed for a person, for the window ``grid``."""
    return noise(np.random.default_rng([seed, 0xB0]), grid, 0.25, 0.8)


def paint_brow(
    rgb: Array, grid: Grid, who: Identity, now: Expression, side: int, grain: Array
) -> None:
    """Paint one brow onto linear ``rgb`` (h, w, 3), in place."""
    shape = BrowShape(who.brows, side, now)
    along = shape.along(grid.x)
    offset = (grid.y - shape.middle(grid.x)) / np.maximum(shape.thickness(grid.x), 0.008)
    ends = smoothstep(-0.03, 0.16, along) * (1 - smoothstep(0.93, 1.02, along))
    body = 1 - smoothstep(0.45, 1.35, np.abs(offset) + 0.16 * grain)
    dark = np.asarray(who.colours.hair, np.float32) * 0.65 + floats([0.004, 0.003, 0.003])
    fair = 0.62 + 0.25 * who.masculine
    _blend(rgb, dark, np.asarray(np.clip(fair + 0.1 * grain, 0.3, 0.95) * body * ends, np.float32))


def paint_creases(rgb: Array, grid: Grid, now: Expression, side: int) -> None:
    """Shade the skin around an eye where brows, nose and lower lid fold it, in place."""
    folds = []
    if now.furrow > 0:
        folds.append((0.75 * now.furrow, grid.blob(side * 0.085, -0.27, 0.022, 0.085, 0.15 * side)))
    if now.wrinkle > 0:
        for height in (-0.02, 0.08, 0.18):
            line = grid.blob(side * 0.10, height, 0.07, 0.018, 0.3 * side)
            folds.append((0.5 * now.wrinkle, line))
    if now.squint > 0:
        folds.append((0.45 * now.squint, grid.blob(side * 0.5, 0.17, 0.2, 0.018)))
        foot = sum(grid.blob(side * 0.87, y, 0.06, 0.012, side * turn) for y, turn in _FEET)
        folds.append((0.4 * now.squint, np.asarray(foot, np.float32)))
    for strength, fold in folds:
        rgb *= 1 - np.clip(strength * fold, 0, 0.9)[..., None] * _SHADE


def _blend(rgb: Array, colour: Array, mask: Array) -> None:
    rgb += (colour - rgb) * mask[..., None]
