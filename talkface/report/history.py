"""What a run logged while it was trained: ``metrics.csv``, read back as curves."""

import csv
import math
from dataclasses import dataclass, field
from pathlib import Path

from talkface.report.errors import DamagedRunError

FILE = "metrics.csv"
AXES = ("epoch", "step")


@dataclass(frozen=True)
class Curve:
    """A logged value over the steps of a training.

    Attributes:
        steps: Training steps, increasing.
        values: The value after each of them, never NaN.
    """

    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def smooth(self, share: float) -> "Curve":
        """The running mean over a share of the points, those at the ends over fewer.

        Args:
            share: In [0, 1]; below two points nothing changes.
        """
        reach = int(share * len(self.values)) // 2
        means = []
        for at in range(len(self.values)):
            near = min(reach, at, len(self.values) - 1 - at)
            part = self.values[at - near : at + near + 1]
            means.append(sum(part) / len(part))
        return Curve(self.steps, means)


@dataclass(frozen=True)
class History:
    """All curves of a run.

    Attributes:
        curves: By the name under which the value was logged, such as ``val/psnr_audio``.
        epochs: Epochs that were begun.
        steps: Steps that were made.
    """

    curves: dict[str, Curve] = field(default_factory=dict)
    epochs: int = 0
    steps: int = 0


def read_history(folder: Path) -> History:
    """The history of a run, empty if it kept none.

    Raises:
        DamagedRunError: If ``metrics.csv`` cannot be understood.
    """
    path = folder / FILE
    if not path.is_file():
        return History()
    curves: dict[str, Curve] = {}
    epochs = steps = 0
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            for row in csv.DictReader(lines, strict=True):
                step = int(row["step"])
                steps, epochs = max(steps, step + 1), max(epochs, int(row["epoch"] or 0) + 1)
                for name, text in row.items():
                    if text and name not in AXES and not math.isnan(value := float(text)):
                        _add(curves.setdefault(name, Curve()), step, value)
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise DamagedRunError(path, f"{type(error).__name__}: {error}") from error
    return History(dict(sorted(curves.items())), epochs, steps)


def _add(curve: Curve, step: int, value: float) -> None:
    """Append a point; what was logged again for a step counts, as after a training that went on."""
    while curve.steps and curve.steps[-1] >= step:
        curve.steps.pop()
        curve.values.pop()
    curve.steps.append(step)
    curve.values.append(value)
