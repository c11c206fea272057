"""Neck, clothes and the wall behind."""

import cv2
import numpy as np
from numpy.typing import NDArray

from data_prep.puppets.canvas import (
    Array,
    Grid,
    Layer,
    curve,
    display,
    floats,
    mirrored,
    noise,
    smoothstep,
    soften,
)
from data_prep.puppets.identity import Identity
from data_prep.puppets.shape import outline
from data_prep.puppets.skin import light_skin


def paint_neck(grid: Grid, layer: Layer, who: Identity) -> None:
    """Neck and upper chest, in the shadow of the chin."""
    half = 0.54 + 0.16 * who.masculine
    right = [(0.0, 0.9), (half, 0.9), (half * 0.98, 1.6), (half * 1.04, 2.0), (half * 1.5, 2.35),
             (1.9, 2.75), (1.9, 3.4), (0.0, 3.4)]  # fmt: skip
    mask = grid.polygon(mirrored(floats(right)), 0.012)
    tube = 0.62 * np.sqrt(np.maximum(1 - (grid.x / (half * 1.12)) ** 2, 0.04))
    cords = 0.03 * (grid.blob(0.26, 2.1, 0.06, 0.4, 0.35) + grid.blob(-0.26, 2.1, 0.06, 0.4, -0.35))
    height = tube * (1 - 0.7 * smoothstep(1.9, 2.5, grid.y)) + cords
    height = height - 0.03 * grid.blob(0, 2.36, 0.09, 0.08)
    skin = np.asarray(who.colours.skin, np.float32) * floats([0.94, 0.90, 0.90])
    layer.paint(light_skin(grid, np.asarray(height, np.float32), skin, who), mask)
    fallen = outline(who) * floats([0.94, 1.0]) + floats([-0.15 * who.light[0], 0.30])
    layer.tint((0.36, 0.25, 0.22), 0.92 * grid.polygon(fallen, 0.10) * mask)
    layer.tint((0.80, 0.74, 0.72), mask)


def paint_clothes(grid: Grid, layer: Layer, who: Identity, rng: np.random.Generator) -> None:
    """Shoulders in a pullover, a V-neck, a shirt or a hooded sweater."""
    kind, colour = who.style.clothes, np.asarray(who.colours.clothes, np.float32)
    broad = 1.0 + 0.14 * who.masculine
    body = [(0.0, 2.02), (0.72, 2.10), (1.25, 2.34), (1.75 * broad, 2.55), (2.15 * broad, 2.85),
            (2.4 * broad, 3.5), (0.0, 3.6)]  # fmt: skip
    mask = grid.polygon(mirrored(curve(floats(body[:-1]))), 0.008)
    if kind == "vneck":
        hole = [(0.0, 1.5), (0.68, 1.9), (0.62, 2.22), (0.0, 2.95)]
    elif kind == "shirt":
        hole = [(0.0, 1.5), (0.66, 1.9), (0.46, 2.3), (0.0, 2.62)]
    else:
        hole = [(0.0, 1.5), (0.76, 1.9), (0.62, 2.30), (0.34, 2.46), (0.0, 2.5)]
    opening = grid.polygon(mirrored(curve(floats(hole))), 0.006)
    mask = mask * (1 - opening)
    folds = 0.10 * noise(rng, grid, 0.5, 0.9) + 0.05 * noise(rng, grid, 0.2, 0.5)
    curve_ = 0.5 * np.sqrt(np.maximum(1 - (grid.x / 2.6) ** 2, 0.05)) + 0.25 * smoothstep(
        2.0, 3.0, grid.y
    )
    cloth = light_skin(grid, np.asarray(curve_ + 0.35 * folds, np.float32), 0.9 * colour, who)
    weave = 1 + 0.05 * noise(rng, grid, 0.03)
    layer.paint(np.asarray(cloth * weave[..., None], np.float32), mask)
    hem = np.clip(soften(opening, 0.05 * grid.scale) * 2.2, 0, 1) * mask
    layer.tint(
        (0.62, 0.62, 0.62) if kind != "shirt" else (1.0, 1.0, 1.0), np.asarray(hem, np.float32)
    )
    layer.tint((0.6, 0.6, 0.6), 0.6 * mask * grid.blob(0, 1.95, 0.9, 0.35))
    if kind == "shirt":
        _paint_collar(grid, layer, who)
    if kind == "hoodie":
        _paint_hood(grid, layer, who)


def _paint_collar(grid: Grid, layer: Layer, who: Identity) -> None:
    colour = np.asarray(who.colours.clothes, np.float32)
    for side in (-1, 1):
        wing = floats(
            [(0.60, 1.95), (0.78, 2.12), (0.62, 2.52), (0.34, 2.78), (0.02, 2.62), (0.40, 2.34)]
        )
        mask = grid.polygon(wing * floats([side, 1]), 0.006)
        under = grid.polygon(wing * floats([side, 1]) + floats([0, 0.05]), 0.03)
        layer.tint((0.5, 0.5, 0.5), 0.6 * under)
        layer.paint(np.clip(colour * (1.08 + 0.3 * side * who.light[0]), 0, 1), mask)
    seam = grid.stroke(floats([(0, 2.62), (0.01, 3.4)]), 0.03, 0.008)
    layer.tint((0.55, 0.55, 0.55), 0.8 * seam)


def _paint_hood(grid: Grid, layer: Layer, who: Identity) -> None:
    colour = np.asarray(who.colours.clothes, np.float32)
    for side in (-1, 1):
        fold = [
            (0.66, 1.75),
            (1.02, 1.98),
            (1.12, 2.28),
            (0.86, 2.5),
            (0.45, 2.68),
            (0.30, 2.52),
            (0.58, 2.3),
        ]
        points = curve(floats(fold) * floats([side, 1]))
        mask = grid.polygon(points, 0.01)
        layer.tint((0.45, 0.45, 0.45), 0.7 * grid.polygon(points + floats([0, 0.07]), 0.04))
        roll = 0.8 + 0.35 * grid.blob(side * 0.85, 2.15, 0.2, 0.25) + 0.2 * side * who.light[0]
        layer.paint(np.asarray(colour * roll[..., None], np.float32), mask)
        cord = curve(floats([(0.3, 2.6), (0.27, 2.9), (0.3, 3.2)]) * floats([side, 1]))
        layer.paint((0.75, 0.74, 0.72), 0.85 * grid.stroke(cord, 0.035, 0.005))


def paint_wall(who: Identity, side: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """The background as display values (side, side, 3) in [0, 255], out of focus."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    wall = np.broadcast_to(np.asarray(who.colours.wall, np.float32), (side, side, 3)).copy()
    lit = (
        1.0
        + 0.5 * who.light[0] * (x - 0.5)
        - 0.35 * (y - 0.4)
        - 0.5 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)
    )
    wall *= lit[..., None]
    (_plain, _bokeh, _panels, _shelf, _window)[who.style.wall](wall, x, y, rng)
    wall = np.asarray(cv2.GaussianBlur(wall, (0, 0), 0.012 * side), np.float32)
    return display(wall)


def _plain(wall: Array, x: Array, y: Array, rng: np.random.Generator) -> None:
    wall *= (1 + 0.12 * np.sin(3 * x * rng.random() + 2 * y + 6 * rng.random()))[..., None]


def _bokeh(wall: Array, x: Array, y: Array, rng: np.random.Generator) -> None:
    for _ in range(14):
        cx, cy, radius = rng.random(), rng.random() * 0.8, rng.uniform(0.03, 0.09)
        disc = np.clip((radius - np.hypot(x - cx, y - cy)) / 0.012 + 0.5, 0, 1)
        wall += (0.35 * disc)[..., None] * (rng.uniform(0.3, 1.0, 3) - wall)


def _panels(wall: Array, x: Array, y: Array, rng: np.random.Generator) -> None:
    period, phase = rng.uniform(0.18, 0.4), rng.random()
    line = np.exp(-((np.mod(x + phase, period) - period / 2) ** 2) / 0.0002)
    wall *= (1 - 0.35 * line)[..., None]
    rail = rng.uniform(0.55, 0.75)
    wall *= np.where(y > rail, rng.uniform(0.5, 0.8), 1.0)[..., None]


def _shelf(wall: Array, x: Array, y: Array, rng: np.random.Generator) -> None:
    for board in np.arange(rng.uniform(-0.1, 0.1), 1.0, 0.27):
        left = 0.0
        while left < 1:
            wide, tall = rng.uniform(0.025, 0.06), rng.uniform(0.15, 0.23)
            book = (x >= left) & (x < left + wide) & (y > board + 0.25 - tall) & (y < board + 0.25)
            wall[book] = rng.uniform(0.02, 0.35, 3) + 0.2 * wall[book]
            left += wide
        wall[(y >= board + 0.25) & (y < board + 0.27)] *= 0.45


def _window(wall: Array, x: Array, y: Array, rng: np.random.Generator) -> None:
    left = rng.choice([-0.12, 0.72]) + rng.uniform(-0.05, 0.05)
    left, top, bottom = float(left), 0.05, 0.62
    pane = (x > left) & (x < left + 0.36) & (y > top) & (y < bottom)
    sky = np.stack([0.55 + 0.2 * y, 0.68 + 0.12 * y, 0.85 - 0.1 * y], axis=-1)
    wall[pane] = sky[pane]
    frame = (np.abs(x - left - 0.18) < 0.012) | (np.abs(y - 0.33) < 0.012)
    wall[pane & frame] = 0.75
