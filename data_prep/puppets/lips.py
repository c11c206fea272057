"""Moving outlines of the mouth."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from data_prep.puppets.canvas import Array, floats
from data_prep.puppets.expression import Expression
from data_prep.puppets.identity import Lips

SNEER = 0.05
"""How far the upper lip can be drawn up."""


@dataclass(frozen=True)
class MouthShape:
    """Outlines of the lips as heights over x.

    Attributes:
        lips: The person's lips.
        now: The controls.
    """

    lips: Lips
    now: Expression

    @cached_property
    def half_width(self) -> float:
        """From the middle to a corner, outside."""
        return self.lips.width * (self.now.width - 0.12 * self.now.opening)

    @cached_property
    def inner_half_width(self) -> float:
        """From the middle to a corner of the gap."""
        return self.half_width * (0.93 - 0.05 * self.now.rounding)

    def seam(self, x: Array) -> Array:
        """Where closed lips meet: a flat M whose corners lie as the person smiles."""
        u = x / self.half_width
        bow = 0.012 * np.exp(-((u / 0.22) ** 2)) - 0.008 * np.exp(
            -(((np.abs(u) - 0.42) / 0.25) ** 2)
        )
        calm = self.lips.height + bow - self.lips.smile * (2 * u**2 - 0.6)
        return np.asarray(calm - 0.065 * self.now.smile * (2 * u**2 - 0.25), np.float32)

    @property
    def gap(self) -> float:
        """How far the lips are apart in the middle."""
        return self.now.opening + SNEER * self.now.sneer

    def _lifted(self, x: Array) -> Array:
        """How far a sneer draws up the upper lip; the corners stay."""
        u = np.minimum(np.abs(x) / self.half_width, 1)
        return np.asarray(SNEER * self.now.sneer * (1 - u**2), np.float32)

    def _gap(self, x: Array) -> Array:
        u = np.minimum(np.abs(x) / self.inner_half_width, 1)
        power = 0.66 - 0.14 * self.now.rounding
        return np.asarray((1 - u**2.2) ** power * self.now.opening, np.float32)

    def inner_top(self, x: Array) -> Array:
        """Lower edge of the upper lip."""
        share = 0.20 + 0.22 * self.now.teeth
        return self.seam(x) - share * self._gap(x) - self._lifted(x)

    def inner_bottom(self, x: Array) -> Array:
        """Upper edge of the lower lip."""
        share = 0.80 - 0.22 * self.now.teeth
        return self.seam(x) + share * self._gap(x)

    def outer_top(self, x: Array) -> Array:
        """Upper edge of the upper lip, with Cupid's bow."""
        u = np.minimum(np.abs(x) / self.half_width, 1)
        now = self.now
        thick = self.lips.upper * (1 + 0.25 * now.rounding) * (1 - 0.35 * now.press) * self._stretch
        arch = (1 - u**1.7) ** 0.9 * (1 - 0.24 * np.exp(-((u / 0.14) ** 2)))
        return np.asarray(self.inner_top(x) - thick * arch, np.float32)

    def outer_bottom(self, x: Array) -> Array:
        """Lower edge of the lower lip."""
        u = np.minimum(np.abs(x) / self.half_width, 1)
        now = self.now
        rolled = (1 - 0.3 * now.press) * (1 - 0.45 * now.tuck)
        thick = self.lips.lower * (1 + 0.25 * now.rounding) * rolled * self._stretch
        return np.asarray(self.inner_bottom(x) + thick * (1 - u**2.1) ** 0.85, np.float32)

    @property
    def _stretch(self) -> float:
        return 1 - 0.5 * self.now.opening - 0.25 * (self.now.width - 1)

    def points(self) -> Array:
        """Landmarks 48 to 67, (20, 2)."""
        w, v = self.half_width, self.inner_half_width
        top = floats([-0.62, -0.24, 0, 0.24, 0.62]) * w
        bottom = floats([0.66, 0.34, 0, -0.34, -0.66]) * w
        inner = floats([-0.45, 0, 0.45]) * v
        corners = floats([-w, w, -v, v])
        ends = self.seam(corners)
        rows = [
            (corners[:1], ends[:1]),
            (top, self.outer_top(top)),
            (corners[1:2], ends[1:2]),
            (bottom, self.outer_bottom(bottom)),
            (corners[2:3], ends[2:3]),
            (inner, self.inner_top(inner)),
            (corners[3:], ends[3:]),
            (inner[::-1], self.inner_bottom(inner[::-1])),
        ]
        return np.concatenate([np.stack(row, axis=1) for row in rows]).astype(np.float32)
