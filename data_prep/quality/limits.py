"""Which clips are too bad to learn from."""

import math
from dataclasses import dataclass

from data_prep.quality.measure import Quality


@dataclass(frozen=True)
class Limits:
    """What a clip must keep to; None does not ask. An unknown figure keeps to nothing.

    Attributes:
        max_offset: Frames by which lips may be early or late.
        least_confidence: Confidence of that offset.
        least_sharpness: CPBD.
        least_face: Pixels between the outer eye corners in the source.
    """

    max_offset: float | None = None
    least_confidence: float | None = None
    least_sharpness: float | None = None
    least_face: float | None = None

    @property
    def ask(self) -> bool:
        """Whether anything is asked for."""
        return any(limit is not None for limit in vars(self).values())

    def reason(self, row: Quality) -> str | None:
        """Why a clip is left out, or None; a damaged one is as soon as anything is asked for."""
        if not self.ask:
            return None
        if row.problem:
            return f"damaged: {row.problem}"
        found = [self._late(row)] if self.max_offset is not None else []
        for name in ("confidence", "sharpness", "face"):
            least = getattr(self, f"least_{name}")
            if least is not None:
                found.append(_low(name, getattr(row, name), least))
        return "; ".join(reason for reason in found if reason) or None

    def _late(self, row: Quality) -> str:
        if math.isnan(row.offset):
            return "offset unknown"
        late = abs(row.offset) > (self.max_offset or 0)
        return f"offset {row.offset:+g} beyond {self.max_offset:g}" if late else ""


def _low(name: str, value: float, least: float) -> str:
    if math.isnan(value):
        return f"{name} unknown"
    return f"{name} {value:.3g} below {least:g}" if value < least else ""
