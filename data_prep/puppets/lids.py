"""Moving outlines of eyes and brows."""

from dataclasses import dataclass

import numpy as np

from data_prep.puppets.canvas import Array, floats
from data_prep.puppets.expression import Expression
from data_prep.puppets.identity import Brows, Eyes


@dataclass(frozen=True)
class EyeShape:
    """Edges of the lids as heights over x.

    Attributes:
        eyes: The person's eyes.
        side: -1 for the eye on the left of the picture, 1 for the other.
        now: The controls.
    """

    eyes: Eyes
    side: int
    now: Expression

    def across(self, x: Array) -> Array:
        """X as -1 at the inner corner to 1 at the outer one."""
        return np.asarray((x * self.side - 0.5) / self.eyes.width, np.float32)

    def corners(self, x: Array) -> Array:
        """The line through both corners."""
        return np.asarray(0.012 - self.eyes.tilt * self.across(x), np.float32)

    def lower(self, x: Array) -> Array:
        """Upper edge of the lower lid; it rises a little in a blink."""
        u = np.clip(self.across(x), -1, 1)
        now = self.now
        raised = 0.3 * now.blink + 0.85 * now.squint - 0.3 * now.wide
        depth = 0.062 * self.eyes.height * (1 - raised)
        bulge = (1 - u**2) ** 0.8 * (1 + 0.18 * u)
        return np.asarray(self.corners(x) + depth * bulge, np.float32)

    def upper(self, x: Array) -> Array:
        """Lower edge of the upper lid; it meets the lower lid in a blink and follows the gaze."""
        u = np.clip(self.across(x), -1, 1)
        now = self.now
        opened = 1 - 0.22 * now.gaze_y + 0.08 * now.brow + 0.5 * now.wide
        height = 0.112 * self.eyes.height * opened
        lid = self.corners(x) - height * (1 - u**2) ** 0.62 * (1 - 0.10 * u)
        closed = self.lower(x) - 0.004
        return np.asarray(lid + (closed - lid) * now.blink, np.float32)

    def points(self) -> Array:
        """The six landmarks in the order left corner, upper two, right corner, lower two."""
        left, right = self.side * 0.5 - self.eyes.width, self.side * 0.5 + self.eyes.width
        x = floats([left, right])
        upper = floats([left + (right - left) * part for part in (0.32, 0.68)])
        lower = upper[::-1]
        end = self.corners(x)
        rows = [
            np.stack([x[:1], end[:1]], axis=1),
            np.stack([upper, self.upper(upper)], axis=1),
            np.stack([x[1:], end[1:]], axis=1),
            np.stack([lower, self.lower(lower)], axis=1),
        ]
        return np.concatenate(rows).astype(np.float32)


BROW_INNER, BROW_OUTER = 0.17, 0.90


@dataclass(frozen=True)
class BrowShape:
    """Middle line and thickness of a brow as functions of the distance from the nose."""

    brows: Brows
    side: int
    now: Expression

    @property
    def inner(self) -> float:
        """Distance of the inner end from the middle of the face."""
        return BROW_INNER - 0.06 * self.now.furrow

    def along(self, x: Array) -> Array:
        """X as 0 at the inner end to 1 at the outer one."""
        return np.asarray((x * self.side - self.inner) / (BROW_OUTER - self.inner), np.float32)

    def middle(self, x: Array) -> Array:
        """Height of the middle line."""
        t = np.clip(self.along(x), 0, 1)
        arch = self.brows.arch * np.sin(np.pi * np.clip(t, 0, 1) ** 1.35)
        raised = self.now.brow * (0.11 if self.now.brow > 0 else 0.06)
        frown = 0.03 * max(-self.now.brow, 0.0) * (1 - t)
        turned = self.now.sorrow * (0.075 * t - 0.14 * (1 - t) ** 1.5)
        calm = -self.brows.height + 0.03 - arch - raised + frown - self.brows.tilt * (t - 0.5)
        return np.asarray(calm + turned, np.float32)

    def thickness(self, x: Array) -> Array:
        """Half of the thickness."""
        t = np.clip(self.along(x), 0, 1)
        return np.asarray(self.brows.thickness * (0.75 + 0.35 * t - 0.95 * t**3.5), np.float32)

    def points(self) -> Array:
        """The five landmarks along the middle line, from left to right."""
        places = np.linspace(0.04, 0.98, 5)[:: self.side]
        x = (self.side * (self.inner + (BROW_OUTER - self.inner) * places)).astype(np.float32)
        return np.stack([x, self.middle(x)], axis=1)
