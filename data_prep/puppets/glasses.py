"""Glasses of three shapes: the frame lies over the eyes, its shadow on the skin."""

import numpy as np

from data_prep.puppets.canvas import Array, Grid, Layer, curve, floats
from data_prep.puppets.identity import Identity


def paint_glasses(grid: Grid, below: Layer, over: Layer, who: Identity) -> None:
    """Paint the frame onto ``over`` and its shadow onto ``below``."""
    if not who.style.glasses:
        return
    width = (0.0, 0.035, 0.05, 0.024)[who.style.glasses]
    frame = np.zeros((grid.height, grid.width), np.float32)
    for side in (-1, 1):
        rim = _rim(who.style.glasses) * floats([side, 1])
        frame = np.maximum(frame, grid.stroke(rim, width, 0.003))
        shine = floats([(0.30, -0.12), (0.44, -0.2)]) * floats([side, 1])
        over.paint((0.9, 0.95, 1.0), 0.16 * grid.stroke(shine, 0.06, 0.02))
        arm = floats([(0.86, -0.08), (1.02, -0.06), (1.16 * who.bones.face_width, -0.03)])
        frame = np.maximum(frame, grid.stroke(arm * floats([side, 1]), width * 1.1, 0.004))
    bridge = curve([(-0.15, -0.03), (-0.06, -0.075), (0.06, -0.075), (0.15, -0.03)])
    frame = np.maximum(frame, grid.stroke(bridge, width, 0.003))
    step = max(1, round(0.04 * grid.scale))
    below.tint((0.6, 0.52, 0.5), 0.55 * np.roll(frame, step, axis=0))
    over.paint(who.colours.glasses, frame)


def _rim(kind: int) -> Array:
    """Closed line around the right lens: round, angular, or a wide oval."""
    t = np.linspace(0, 2 * np.pi, 60)
    power, half_x, half_y = ((1.0, 0.33, 0.29), (0.55, 0.37, 0.25), (0.8, 0.37, 0.24))[kind - 1]
    x = 0.51 + half_x * np.sign(np.cos(t)) * np.abs(np.cos(t)) ** power
    y = 0.03 + half_y * np.sign(np.sin(t)) * np.abs(np.sin(t)) ** power
    return np.stack([x, y], axis=1).astype(np.float32)
