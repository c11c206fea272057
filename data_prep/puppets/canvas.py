"""The drawing board: face coordinates, soft shapes, noise and layers.

Face coordinates have their origin between the eyes; the unit is the distance of the pupils, x
points right and y down. Colours are linear light in [0, 1] while a face is painted.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating[Any]]
Colour = tuple[float, float, float]

LEFT, TOP, RIGHT, BOTTOM = -2.95, -2.65, 2.95, 3.45
"""Part of the plane that is painted: a little more than any frame shows."""


@dataclass(frozen=True)
class Grid:
    """Pixels of a rectangle of the plane.

    Attributes:
        scale: Pixels per unit.
        left: x of the first pixel's centre.
        top: y of the first pixel's centre.
        width: Columns.
        height: Rows.
    """

    scale: float
    left: float
    top: float
    width: int
    height: int

    @classmethod
    def whole(cls, scale: float) -> "Grid":
        """The whole board at ``scale`` pixels per unit."""
        return cls(scale, LEFT, TOP, int((RIGHT - LEFT) * scale), int((BOTTOM - TOP) * scale))

    def window(self, left: float, top: float, right: float, bottom: float) -> "Window":
        """The pixels of a rectangle, as slices of this grid and as a grid of their own."""
        x0, x1 = (int(np.clip((v - self.left) * self.scale, 0, self.width)) for v in (left, right))
        y0, y1 = (int(np.clip((v - self.top) * self.scale, 0, self.height)) for v in (top, bottom))
        part = Grid(
            self.scale,
            self.left + x0 / self.scale,
            self.top + y0 / self.scale,
            x1 - x0,
            y1 - y0,
        )
        return Window(part, slice(y0, y1), slice(x0, x1))

    @cached_property
    def x(self) -> Array:
        """Columns' x, shape (1, width)."""
        return (self.left + np.arange(self.width, dtype=np.float32) / self.scale)[None]

    @cached_property
    def y(self) -> Array:
        """Rows' y, shape (height, 1)."""
        return (self.top + np.arange(self.height, dtype=np.float32) / self.scale)[:, None]

    def pixels(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Points of the plane in pixels of this grid."""
        return (np.asarray(points, np.float64) - (self.left, self.top)) * self.scale

    def polygon(self, points: NDArray[np.floating], blur: float = 0.0) -> Array:
        """Coverage of a polygon in [0, 1], its edge blurred by ``blur`` units."""
        mask = np.zeros((self.height, self.width), np.uint8)
        fixed = np.round(self.pixels(points) * 16).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, 4)
        return soften(mask.astype(np.float32) / 255, blur * self.scale)

    def blob(self, cx: float, cy: float, sx: float, sy: float, angle: float = 0.0) -> Array:
        """Gaussian bell of height 1, turned clockwise by ``angle`` radians."""
        x, y = self.x - cx, self.y - cy
        if angle == 0:
            bell = np.exp(-0.5 * (x / sx) ** 2) * np.exp(-0.5 * (y / sy) ** 2)
            return np.asarray(bell, np.float32)
        u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        return floats(np.exp(-0.5 * ((u / sx) ** 2 + (v / sy) ** 2)))

    def edge(self, distance: Array, width: float = 0.0) -> Array:
        """Coverage of the half plane ``distance > 0`` with an edge of one pixel or ``width``."""
        return floats(np.clip(distance / max(width, 1 / self.scale) + 0.5, 0, 1))

    def stroke(self, points: NDArray[np.floating], width: float, blur: float = 0.0) -> Array:
        """Coverage of an open line of ``width`` units."""
        mask = np.zeros((self.height, self.width), np.uint8)
        fixed = np.round(self.pixels(points) * 16).astype(np.int32)
        thick = max(1, round(width * self.scale))
        cv2.polylines(mask, [fixed], False, 255, thick, cv2.LINE_AA, 4)
        gain = min(1.0, width * self.scale / thick)
        return soften(mask.astype(np.float32) * (gain / 255), blur * self.scale)


@dataclass(frozen=True)
class Window:
    """A rectangle of a grid: its own grid, and where it lies."""

    grid: Grid
    rows: slice
    columns: slice


@dataclass
class Layer:
    """A picture with coverage: linear ``rgb`` (h, w, 3) and ``alpha`` (h, w), not premultiplied."""

    rgb: Array
    alpha: Array

    @classmethod
    def empty(cls, grid: Grid) -> "Layer":
        """Nothing painted yet."""
        shape = (grid.height, grid.width)
        return cls(np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32))

    def paint(self, colour: Array | Colour, mask: Array) -> None:
        """Lay ``colour`` over the layer where ``mask`` covers."""
        part = _extent(mask)
        colour = np.asarray(colour, np.float32)
        colour = colour[part] if colour.ndim > 1 else colour
        total = mask[part] + self.alpha[part] * (1 - mask[part])
        share = (mask[part] / np.maximum(total, 1e-6))[..., None]
        self.rgb[part] += (colour - self.rgb[part]) * share
        self.alpha[part] = total

    def tint(self, factor: Colour, mask: Array) -> None:
        """Multiply what is painted by ``factor`` where ``mask`` covers."""
        part = _extent(mask)
        self.rgb[part] *= 1 + (np.asarray(factor, np.float32) - 1) * mask[part][..., None]


def _extent(mask: Array) -> tuple[slice, slice]:
    """Rows and columns outside of which ``mask`` covers nothing that could be seen."""
    covered = mask > 0.002  # half a step of 8 bits
    slices = []
    for axis in (1, 0):
        places = np.flatnonzero(covered.any(axis=axis))
        slices.append(slice(int(places[0]), int(places[-1]) + 1) if len(places) else slice(0, 0))
    return slices[0], slices[1]


def soften(mask: Array, sigma: float) -> Array:
    """Gaussian blur by ``sigma`` pixels."""
    if sigma < 0.2:  # below the pixel grid
        return mask
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), sigma), np.float32)


def smoothstep(low: float, high: float, value: Array) -> Array:
    """0 below ``low``, 1 above ``high``, smooth between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return floats(t * t * (3 - 2 * t))


def noise(
    rng: np.random.Generator, grid: Grid, size_x: float, size_y: float | None = None
) -> Array:
    """Smooth noise with features of the given size in units; mean 0, about unit variance."""
    size_y = size_x if size_y is None else size_y
    columns = max(2, round((RIGHT - LEFT) / size_x))
    rows = max(2, round((BOTTOM - TOP) / size_y))
    coarse = rng.standard_normal((rows, columns)).astype(np.float32)
    return np.asarray(
        cv2.resize(coarse, (grid.width, grid.height), interpolation=cv2.INTER_CUBIC), np.float32
    )


def curve(points: NDArray[np.floating] | list[tuple[float, float]], steps: int = 12) -> Array:
    """Catmull-Rom spline through ``points`` (n, 2), ends included."""
    p = np.asarray(points, np.float32)
    p = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    t = np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[:, None]
    pieces = [
        0.5
        * (
            2 * b
            + (c - a) * t
            + (2 * a - 5 * b + 4 * c - d) * t**2
            + (3 * b - a - 3 * c + d) * t**3
        )
        for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True)
    ]
    return np.concatenate([*pieces, p[-2:-1]]).astype(np.float32)


def mirrored(right: Array) -> Array:
    """Closed symmetric outline from its right half, top to bottom."""
    left = right[::-1] * floats([-1, 1])
    return np.concatenate([right, left]).astype(np.float32)


def floats(values: ArrayLike) -> Array:
    """Values as a float32 array."""
    return np.asarray(values, np.float32)


def linear(red: float, green: float, blue: float) -> Colour:
    """Linear light of an sRGB colour given in 0 to 255 (gamma 2.2)."""
    return ((red / 255) ** 2.2, (green / 255) ** 2.2, (blue / 255) ** 2.2)


def display(rgb: Array) -> Array:
    """Linear light as display values in 0 to 255."""
    return np.asarray(np.clip(rgb, 0, 1) ** (1 / 2.2) * 255, np.float32)
