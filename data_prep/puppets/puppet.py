"""A puppet: painted once, then moved frame by frame."""

from dataclasses import dataclass, fields, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from data_prep.puppets.beard import paint_beard
from data_prep.puppets.canvas import Array, Grid, Layer, Window, display
from data_prep.puppets.expression import Expression
from data_prep.puppets.eyes import brow_grain, paint_brow, paint_creases, paint_eye
from data_prep.puppets.glasses import paint_glasses
from data_prep.puppets.hair import front_hair, paint_back_hair, shade_under
from data_prep.puppets.identity import Identity
from data_prep.puppets.mouth import paint_mouth
from data_prep.puppets.scene import paint_clothes, paint_neck, paint_wall
from data_prep.puppets.shape import face_points
from data_prep.puppets.skin import paint_ears, paint_head
from data_prep.puppets.warp import UNIT, Warp

SUPERSAMPLING = 2
SIDE_STEP = 32
"""Sides of pictures are multiples of this."""


@dataclass(frozen=True)
class _Patch:
    """A window that is repainted in every frame: what lies below and above, linear."""

    window: Window
    below: Array
    over: Layer


class Puppet:
    """A person, ready to be rendered.

    Args:
        who: The person.
        side: Side of the pictures in pixels, a multiple of 32 and at least 32.
        scene: Draws the wall, which otherwise is always the same for a person.
    """

    def __init__(self, who: Identity, side: int, scene: np.random.Generator | None = None) -> None:
        check_side(side)
        self.who, self.side = who, side
        grid = Grid.whole(SUPERSAMPLING * side * UNIT)
        rng = np.random.default_rng([who.seed, 0xFACE])
        below, over = _paint_person(grid, who, rng)
        self.grid = grid
        self._wall = paint_wall(who, side, scene or rng)
        self._eyes = [
            _cut(grid, below, over, box)
            for box in ((-1.12, -0.72, -0.02, 0.42), (0.02, -0.72, 1.12, 0.42))
        ]
        lips = who.lips.height
        self._mouth = _cut(grid, below, over, (-0.75, lips - 0.35, 0.75, lips + 0.62))
        self._grain = [brow_grain(eye.window.grid, who.seed) for eye in self._eyes]
        whole = Layer(below.rgb.copy(), below.alpha.copy())
        whole.paint(over.rgb, over.alpha)
        self._board = _premultiplied(whole.rgb, whole.alpha)

    def render(self, now: Expression) -> NDArray[np.uint8]:
        """The picture of a moment, (side, side, 3) RGB."""
        board = self._board.copy()
        for side, patch, grain in zip((-1, 1), self._eyes, self._grain, strict=True):
            rgb = patch.below.copy()
            paint_creases(rgb, patch.window.grid, now, side)
            paint_brow(rgb, patch.window.grid, self.who, now, side, grain)
            paint_eye(rgb, patch.window.grid, self.who, now, side)
            _put(board, patch, rgb)
        rgb = self._mouth.below.copy()
        paint_mouth(rgb, self._mouth.window.grid, self.who, now)
        _put(board, self._mouth, rgb)
        fine = self.side * SUPERSAMPLING
        map_x, map_y = Warp(self.who, now, self.side).sources(self.grid, max(fine, 64))
        moved = cv2.remap(board, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        small = cv2.resize(moved, (self.side, self.side), interpolation=cv2.INTER_AREA)
        clear = 1 - small[..., 3:].astype(np.float32) / 255
        return np.asarray(np.clip(small[..., :3] + clear * self._wall + 0.5, 0, 255), np.uint8)

    def landmarks(self, now: Expression) -> NDArray[np.float32]:
        """The iBUG-68 points of that picture in pixels, (68, 2); centres of pixels are whole."""
        points = face_points(self.who, now)
        return Warp(self.who, now, self.side).to_pixels(points).astype(np.float32)


def check_side(side: int) -> None:
    """Raise ValueError unless pictures can have this side."""
    if side < SIDE_STEP or side % SIDE_STEP:
        msg = f"The side of a puppet's picture must be a multiple of {SIDE_STEP}, found {side}."
        raise ValueError(msg)


def expressions(*parts: object) -> list[Expression]:
    """One expression per moment from objects that hold tracks (`Articulation`, `Motion`)."""
    known = {field.name for field in fields(Expression)}
    tracks = {name: track for part in parts for name, track in vars(part).items() if name in known}
    count = len(next(iter(tracks.values())))
    return [
        replace(Expression(), **{name: float(track[i]) for name, track in tracks.items()})
        for i in range(count)
    ]


def _paint_person(grid: Grid, who: Identity, rng: np.random.Generator) -> tuple[Layer, Layer]:
    """The person without eyes, brows and mouth, and what lies over these."""
    below = Layer.empty(grid)
    paint_back_hair(grid, below, who, rng)
    paint_neck(grid, below, who)
    paint_clothes(grid, below, who, rng)
    paint_ears(grid, below, who)
    paint_head(grid, below, who, rng)
    paint_beard(grid, below, who, rng)
    over = front_hair(grid, who, rng)
    shade_under(grid, below, over)
    paint_glasses(grid, below, over, who)
    return below, over


def _cut(grid: Grid, below: Layer, over: Layer, box: tuple[float, float, float, float]) -> _Patch:
    window = grid.window(*box)
    part = window.rows, window.columns
    return _Patch(window, below.rgb[part].copy(), Layer(over.rgb[part], over.alpha[part]))


def _put(board: NDArray[np.uint8], patch: _Patch, rgb: Array) -> None:
    """Finish a repainted window and lay it on the board; faces cover it fully."""
    rgb += (patch.over.rgb - rgb) * patch.over.alpha[..., None]
    target = board[patch.window.rows, patch.window.columns]
    target[..., :3] = display(rgb) * (target[..., 3:].astype(np.float32) / 255) + 0.5


def _premultiplied(rgb: Array, alpha: Array) -> NDArray[np.uint8]:
    """RGBA display values whose colours are scaled by coverage, (h, w, 4)."""
    return np.asarray(
        np.concatenate([display(rgb) * alpha[..., None], alpha[..., None] * 255], axis=2) + 0.5,
        np.uint8,
    )
