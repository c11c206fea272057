"""The head without hair, eyes and mouth: modelled as a height field, lit, and made up."""

import math

import numpy as np

from data_prep.puppets.canvas import Array, Colour, Grid, Layer, curve, noise, smoothstep, soften
from data_prep.puppets.identity import Identity
from data_prep.puppets.shape import outline

SIDES = (-1, 1)


def light_skin(grid: Grid, height: Array, colour: Array | Colour, who: Identity) -> Array:
    """Linear colour of skin with relief ``height``: key light, fill light, light seeping through.

    Red light travels furthest in skin, so that red wraps furthest around the form.
    """
    slope_y, slope_x = np.gradient(height * grid.scale)
    length = np.sqrt(slope_x**2 + slope_y**2 + 1)
    key = _unit(who.light[0], who.light[1], 0.85)
    facing = (-slope_x * key[0] - slope_y * key[1] + key[2]) / length
    filling = (slope_x * key[0] * 0.7 + 0.75) / length
    wraps = np.array([0.55, 0.40, 0.34], np.float32)
    diffuse = np.clip((facing[..., None] + wraps) / (1 + wraps), 0, 1) ** 1.25
    lit = 0.20 + 0.88 * diffuse + 0.14 * np.clip(filling, 0, 1)[..., None]
    half = _unit(key[0], key[1], key[2] + 1)
    glance = np.clip((-slope_x * half[0] - slope_y * half[1] + half[2]) / length, 0, 1)
    shine = (0.035 * glance**8 + 0.06 * glance**40)[..., None]
    return np.asarray(np.asarray(colour, np.float32) * lit + shine, np.float32)


def _unit(x: float, y: float, z: float) -> Colour:
    length = math.sqrt(x * x + y * y + z * z)
    return x / length, y / length, z / length


def relief(grid: Grid, who: Identity) -> Array:
    """Height of the face towards the camera."""
    b, old = who.bones, who.age
    x, y = grid.x, grid.y
    round_ = 1 - (x / (1.30 * b.face_width)) ** 2 - ((y - 0.05) / 2.05) ** 2
    height = 1.0 * np.sqrt(np.maximum(round_, 0.03))
    nose_y, w, length = y / b.nose_length, b.nose_width, b.nose_length
    ridge = (
        0.26 * b.nose_bridge * smoothstep(-0.3, 0.66, nose_y) * (1 - smoothstep(0.62, 0.86, nose_y))
    )
    height = height + ridge * np.exp(-((x / (0.135 + 0.05 * np.clip(nose_y, 0, 1))) ** 2))
    height = height + 0.13 * grid.blob(0, 0.655 * length, 0.12 * w, 0.10)
    lips = who.lips.height
    for side in SIDES:
        height = (
            height
            + 0.09 * grid.blob(side * 0.185 * w, 0.715 * length, 0.07 * w, 0.075)
            - 0.13 * grid.blob(side * 0.47, -0.01, 0.27, 0.15)
            + 0.05 * grid.blob(side * 0.47, -0.36, 0.32, 0.10)
            + (0.05 + 0.05 * b.cheeks) * grid.blob(side * 0.66, 0.50, 0.26, 0.22, -0.5 * side)
            - 0.04 * b.cheeks * grid.blob(side * 0.72, 1.05, 0.2, 0.3)
            - (0.012 + 0.03 * old) * grid.blob(side * 0.42, 0.86, 0.035, 0.17, -0.55 * side)
            - (0.008 + 0.03 * old) * grid.blob(side * 0.46, 0.21, 0.17, 0.03, 0.15 * side)
        )
    height = (
        height + 0.07 * grid.blob(0, lips, 0.36, 0.2) - 0.03 * grid.blob(0, lips - 0.17, 0.03, 0.06)
    )
    chin = lips + 0.53 * b.chin_length
    height = height + 0.10 * grid.blob(0, chin, 0.26, 0.16)
    height = height - 0.05 * grid.blob(0, lips + 0.27, 0.24, 0.06)
    return np.asarray(height, np.float32)


def paint_ears(grid: Grid, layer: Layer, who: Identity) -> None:
    """Ears, behind the head's outline."""
    size = who.bones.ears
    for side in SIDES:
        cx, cy = side * 1.16 * who.bones.face_width, 0.27
        t = np.linspace(0, 2 * np.pi, 40)
        x = cx + side * 0.05 + 0.14 * size * np.cos(t) + side * 0.05 * np.sin(-t)
        y = cy + 0.30 * size * np.sin(t) - 0.03 * np.cos(2 * t)
        mask = grid.polygon(np.stack([x, y], axis=1), 0.008)
        bulge = 0.3 * np.sqrt(np.maximum(0.03, grid.blob(cx, cy, 0.16, 0.3)))
        colour = np.asarray(who.colours.skin) * (0.95, 0.80, 0.78)
        layer.paint(
            light_skin(grid, bulge.astype(np.float32), colour.astype(np.float32), who), mask
        )
        inner = grid.blob(cx + side * 0.05, cy + 0.0, 0.05 * size, 0.15 * size, -0.2 * side)
        layer.tint((0.62, 0.46, 0.44), inner * mask * 0.8)
        if who.style.earrings:
            stud = grid.blob(cx + side * 0.03, cy + 0.33 * size, 0.03, 0.035)
            layer.paint((0.75, 0.66, 0.42), np.clip(stud * 1.6 - 0.4, 0, 1, dtype=np.float32))


def paint_head(grid: Grid, layer: Layer, who: Identity, rng: np.random.Generator) -> None:
    """Skin of the face with everything on it that does not move by itself."""
    mask = grid.polygon(outline(who), 0.006)
    colour = _complexion(grid, who, rng)
    layer.paint(light_skin(grid, relief(grid, who), colour, who), mask)
    rim = 1 - soften(mask, 0.13 * grid.scale)
    low = 0.55 + 0.45 * smoothstep(0.4, 1.5, grid.y)
    layer.tint((0.62, 0.48, 0.44), np.clip(1.5 * rim * low, 0, 0.85) * mask)
    _paint_nose(grid, layer, who)
    _paint_lines(grid, layer, who)


def _complexion(grid: Grid, who: Identity, rng: np.random.Generator) -> Array:
    """Colour of the skin before light: ruddy cheeks, dark sockets, mottling, freckles."""
    skin = np.asarray(who.colours.skin, np.float32)
    colour = np.broadcast_to(skin, (grid.height, grid.width, 3)).copy()
    layer = Layer(colour, np.ones(colour.shape[:2], np.float32))
    fair = 1 - 0.6 * who.colours.depth
    for side in SIDES:
        layer.tint((1.02, 0.74, 0.72), 0.75 * fair * grid.blob(side * 0.66, 0.56, 0.25, 0.20))
        layer.tint((0.74, 0.62, 0.66), 0.55 * grid.blob(side * 0.46, -0.01, 0.29, 0.14))
        layer.tint(
            (0.80, 0.70, 0.74), (0.3 + 0.3 * who.age) * grid.blob(side * 0.42, 0.16, 0.2, 0.06)
        )
    layer.tint((1.0, 0.76, 0.74), 0.6 * fair * grid.blob(0, 0.66, 0.16, 0.12))
    layer.tint((0.93, 0.90, 0.93), 0.5 * smoothstep(1.0, 1.6, grid.y) * np.ones_like(grid.x))
    mottling = 1 + 0.018 * noise(rng, grid, 0.09) + 0.02 * noise(rng, grid, 0.4)
    layer.rgb *= mottling[..., None]
    if who.style.freckles:
        spots = np.clip(noise(rng, grid, 0.045) - 1.1, 0, 1) * who.style.freckles
        zone = grid.blob(0, 0.45, 0.62, 0.22)
        layer.tint((0.72, 0.55, 0.45), np.asarray(spots * zone, np.float32))
    return layer.rgb


def _paint_nose(grid: Grid, layer: Layer, who: Identity) -> None:
    w, length = who.bones.nose_width, who.bones.nose_length
    for side in SIDES:
        nostril = grid.blob(side * 0.105 * w, 0.765 * length, 0.052 * w, 0.024, 0.25 * side)
        layer.tint((0.26, 0.15, 0.14), np.clip(nostril * 1.5 - 0.35, 0, 0.9, dtype=np.float32))
        wing = [(0.235 * w, 0.63), (0.265 * w, 0.70), (0.245 * w, 0.76), (0.19 * w, 0.785)]
        line = curve([(side * x, y * length) for x, y in wing])
        layer.tint((0.55, 0.40, 0.37), 0.75 * grid.stroke(line, 0.03, 0.016))
    layer.tint(
        (0.62, 0.47, 0.44), 0.55 * grid.blob(-0.25 * who.light[0], 0.85 * length, 0.17 * w, 0.045)
    )
    away = -np.sign(who.light[0]) or 1.0
    cast = grid.blob(away * 0.17 * w, 0.52 * length, 0.06, 0.2, -0.12 * away)
    layer.tint((0.72, 0.60, 0.57), min(0.7, 0.25 + abs(who.light[0]) * 0.6) * cast)


def _paint_lines(grid: Grid, layer: Layer, who: Identity) -> None:
    """Folds that come with age, and the crease above the eyes."""
    old = who.age
    for side in SIDES:
        fold = curve(
            [(side * x, y) for x, y in ((0.27, 0.72), (0.37, 0.83), (0.47, 0.98), (0.51, 1.10))]
        )
        layer.tint((0.62, 0.48, 0.45), (0.18 + 0.55 * old) * grid.stroke(fold, 0.045, 0.03))
        foot = (
            [(0.80, 0.02), (0.93, -0.04)],
            [(0.81, 0.05), (0.95, 0.06)],
            [(0.79, 0.08), (0.91, 0.15)],
        )
        for wrinkle in foot:
            line = curve([(side * x, y) for x, y in wrinkle])
            layer.tint(
                (0.68, 0.56, 0.53), 0.7 * max(0.0, old - 0.3) * grid.stroke(line, 0.02, 0.012)
            )
    for height in (-0.68, -0.83, -0.98):
        line = curve([(-0.55, height + 0.03), (-0.2, height), (0.2, height), (0.55, height + 0.03)])
        layer.tint((0.72, 0.62, 0.6), 0.9 * max(0.0, old - 0.35) * grid.stroke(line, 0.025, 0.016))
