"""Jaw and head motion: from the painted plane to the picture, exact both ways.

Painting and landmarks go through one and the same map, `Warp.forward`; pictures need its inverse,
which is found by fixed-point iteration on a coarse grid (the map is smooth).
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from data_prep.puppets.canvas import Array, Grid
from data_prep.puppets.expression import Expression
from data_prep.puppets.identity import Identity

UNIT = 0.22
"""Pupil distance as a share of the picture's side, for a zoom of 1."""

EYE_LINE = 0.44
"""Height of the eyes in the picture, as a share of its side."""

_JAW_DROP = 0.16
_CELLS = 64
_ITERATIONS = 4

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Warp:
    """The motion of one moment for one person.

    Attributes:
        who: The person.
        now: Jaw and head controls.
        side: Side of the picture in pixels.
    """

    who: Identity
    now: Expression
    side: int

    def to_pixels(self, points: Points) -> Points:
        """Face coordinates (n, 2) to pixels (n, 2); centres of pixels are whole numbers."""
        x, y = self.forward(points[:, 0], points[:, 1])
        scale, left, top = self._frame()
        return np.stack([x * scale + left, y * scale + top], axis=1)

    def forward(self, x: Points, y: Points) -> tuple[Points, Points]:
        """Move points of the painted plane as jaw and head do."""
        now = self.now
        chin, lips = 1.8 * self.who.bones.chin_length, self.who.lips.height
        lowered = _ramp(lips + 0.05, chin - 0.1, y) * (1 - _ramp(chin, chin + 0.9, y))
        y = y + _JAW_DROP * now.jaw * lowered * np.exp(-np.square(np.square(x / 1.05)))
        head = 1 - 0.85 * _ramp(1.5, 2.9, y)
        depth = _depth(x, y)
        turned_x = x * (1 - 0.4 * now.yaw**2) + now.yaw * depth
        turned_y = y + now.pitch * (depth - 0.25)
        angle = now.roll * head
        cos, sin = np.cos(angle), np.sin(angle)
        pivot = 1.6
        rolled_x = turned_x * cos - (turned_y - pivot) * sin
        rolled_y = turned_x * sin + (turned_y - pivot) * cos + pivot
        moved_x = x + head * (rolled_x - x + now.shift_x)
        moved_y = y + head * (rolled_y - y + now.shift_y)
        return moved_x, moved_y

    def sources(self, grid: Grid, side: int) -> tuple[Array, Array]:
        """For each pixel of a picture of ``side`` pixels, where on ``grid`` it comes from."""
        scale, left, top = self._frame()
        cell = self.side / _CELLS
        centres = (np.arange(-1, _CELLS + 1) + 0.5) * cell - 0.5
        wanted_x, wanted_y = np.meshgrid((centres - left) / scale, (centres - top) / scale)
        x, y = wanted_x, wanted_y
        for _ in range(_ITERATIONS):
            now_x, now_y = self.forward(x, y)
            x, y = x + wanted_x - now_x, y + wanted_y - now_y
        maps = []
        for plane, origin in ((x, grid.left), (y, grid.top)):
            coarse = ((plane - origin) * grid.scale).astype(np.float32)
            step = side // _CELLS
            fine = cv2.resize(coarse, None, fx=step, fy=step, interpolation=cv2.INTER_LINEAR)
            maps.append(np.ascontiguousarray(fine[step:-step, step:-step], np.float32))
        return maps[0], maps[1]

    def _frame(self) -> tuple[float, float, float]:
        """Pixels per unit, and the pixel of the origin."""
        offset_x, offset_y = self.who.offset
        left, top = self.side * (0.5 + offset_x) - 0.5, self.side * (EYE_LINE + offset_y) - 0.5
        return self.side * UNIT * self.who.zoom, left, top


def _depth(x: Points, y: Points) -> Points:
    """Nearness to the camera: a smooth head with a nose."""
    head = np.maximum(1 - (x / 1.35) ** 2 - ((y - 0.15) / 2.2) ** 2, 0)
    nose = np.exp(-0.5 * ((x / 0.2) ** 2 + ((y - 0.6) / 0.24) ** 2))
    depth: Points = 0.8 * head + 0.22 * nose
    return depth


def _ramp(low: float, high: float, value: Points) -> Points:
    t = np.clip((value - low) / (high - low), 0, 1)
    smooth: Points = t * t * (3 - 2 * t)
    return smooth
