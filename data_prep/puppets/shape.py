"""The outline of a head, and all landmarks of a face before jaw and head move them."""

import numpy as np
from numpy.typing import NDArray

from data_prep.puppets.canvas import Array, curve, floats, mirrored
from data_prep.puppets.expression import Expression
from data_prep.puppets.identity import Identity
from data_prep.puppets.lids import BrowShape, EyeShape
from data_prep.puppets.lips import MouthShape


def outline(who: Identity) -> Array:
    """Outline of the head, closed, (n, 2), from the top clockwise."""
    bones = who.bones
    wide, jaw = 1.13 * bones.face_width, bones.jaw_width * bones.face_width
    chin, top = 1.80 * bones.chin_length, -1.66 * bones.forehead
    right = [
        (0.0, top), (0.45 * wide, 0.96 * top), (0.79 * wide, 0.79 * top), (0.97 * wide, -0.80),
        (1.01 * wide, -0.15), (0.97 * wide, 0.4), (0.95 * jaw, 0.92), (0.78 * jaw, 1.3),
        (0.5 * jaw, 0.925 * chin), (0.22 * jaw, 0.99 * chin), (0.0, chin),
    ]  # fmt: skip
    return mirrored(curve(right))


def jaw_points(who: Identity) -> Array:
    """The 17 points of the jaw line on the outline, equally spaced, from the left ear on."""
    whole = outline(who)
    right = whole[: len(whole) // 2]
    right = right[right[:, 1] > -0.05]  # height of the eyes
    steps = np.concatenate([[0], np.linalg.norm(np.diff(right, axis=0), axis=1).cumsum()])
    places = np.linspace(0, steps[-1], 9)
    half = np.stack([np.interp(places, steps, right[:, axis]) for axis in (0, 1)], axis=1)
    left = half[:-1] * (-1, 1)
    return np.concatenate([left, half[::-1]]).astype(np.float32)


def nose_points(who: Identity) -> Array:
    """Landmarks 27 to 35: down the ridge, then from nostril to nostril, (9, 2)."""
    tip, base = 0.64 * who.bones.nose_length, 0.80 * who.bones.nose_length
    ridge = [(0.0, y) for y in np.linspace(0.02, tip, 4)]
    wing = 0.25 * who.bones.nose_width
    foot = [(-wing, base - 0.03), (-0.5 * wing, base), (0, base + 0.03), (0.5 * wing, base)]
    return floats([*ridge, *foot, (wing, base - 0.03)])


def face_points(who: Identity, now: Expression) -> NDArray[np.float64]:
    """The 68 landmarks in face coordinates, before jaw and head move them, (68, 2)."""
    brows = [BrowShape(who.brows, side, now).points() for side in (-1, 1)]
    eyes = [EyeShape(who.eyes, side, now).points() for side in (-1, 1)]
    parts = [jaw_points(who), *brows, nose_points(who), *eyes, MouthShape(who.lips, now).points()]
    return np.concatenate(parts).astype(np.float64)
