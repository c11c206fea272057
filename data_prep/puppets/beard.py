"""Beards: stubble, moustache, goatee or full."""

import numpy as np

from data_prep.puppets.canvas import Array, Grid, Layer, floats, mirrored, noise, smoothstep
from data_prep.puppets.identity import Identity
from data_prep.puppets.shape import outline

_JAW = 1.2
"""Height from which the outline of the head is chin."""


def paint_beard(grid: Grid, layer: Layer, who: Identity, rng: np.random.Generator) -> None:
    """Stubble, moustache, goatee or a full beard; the mouth is painted over it later."""
    kind = who.style.beard
    if kind == "none":
        return
    mouth = who.lips.height
    upper = grid.blob(0, mouth - 0.17, 0.34, 0.065) + 0.7 * (
        grid.blob(0.4, mouth - 0.06, 0.12, 0.08, 0.5)
        + grid.blob(-0.4, mouth - 0.06, 0.12, 0.08, -0.5)
    )
    tuft = grid.blob(0, mouth + 0.52, 0.36, 0.26) + 0.6 * (
        grid.blob(0.47, mouth + 0.16, 0.09, 0.2) + grid.blob(-0.47, mouth + 0.16, 0.09, 0.2)
    )
    zone = {
        "moustache": upper,
        "goatee": np.maximum(upper, tuft),
    }.get(kind, np.maximum(upper, _jaw_zone(grid, who)))
    ragged = zone + 0.10 * noise(rng, grid, 0.05, 0.09)
    chin = np.where(outline(who)[:, 1:] > _JAW, 0.06 if kind == "full" else 0.0, 0.0)
    skin = grid.polygon(outline(who) + chin * floats([0, 1]), 0.02)
    mask = smoothstep(0.22, 0.62, np.asarray(ragged, np.float32)) * skin
    if kind == "stubble":
        grain = 0.75 + 0.25 * noise(rng, grid, 0.03)
        dark = np.asarray(who.colours.hair, np.float32) * 0.9
        shade = np.clip(smoothstep(0.05, 0.9, np.asarray(zone, np.float32)) * 0.36 * grain, 0, 0.7)
        layer.paint(dark, np.asarray(shade * skin, np.float32))
        return
    hairs = 0.75 + 0.35 * noise(rng, grid, 0.022, 0.13) + 0.2 * noise(rng, grid, 0.05, 0.3)
    light = 0.75 + 0.5 * np.exp(-((grid.x - 0.9 * who.light[0]) ** 2) / 0.5)
    colour = np.asarray(who.colours.hair, np.float32) * np.clip(hairs * light, 0.25, 2.0)[..., None]
    layer.paint(np.asarray(colour, np.float32), np.asarray(0.93 * mask, np.float32))


def _jaw_zone(grid: Grid, who: Identity) -> Array:
    """Cheeks below a line from the ear to the corner of the mouth, and the chin."""
    wide, mouth = who.bones.face_width, who.lips.height
    line = [(0.0, mouth + 0.24), (0.2, mouth + 0.26), (0.42, mouth + 0.06), (0.5, mouth - 0.2),
            (0.75, mouth - 0.25), (0.95 * wide, 0.55), (1.02 * wide, 0.15), (1.4, 0.1),
            (1.4, 2.2), (0.0, 2.2)]  # fmt: skip
    return grid.polygon(mirrored(floats(line)), 0.05)
