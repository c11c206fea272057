"""The table of results: figures by row and metric, every clip's value kept beside the mean."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FORMAT = 1

ROWS = {
    "truth": "ground truth",
    "copy": "copy (identity frame repeated)",
    "audio": "audio-driven",
    "video": "video-driven",
    "foreign": "control: sound of another clip",
}
"""Known rows in the order in which they are shown, with their titles."""

COLUMNS = {
    "psnr": ("PSNR [dB]", 2),
    "ssim": ("SSIM", 3),
    "cpbd": ("CPBD", 3),
    "holes": ("holes [‰]", 3),
    "mouth_r": ("mouth r", 2),
    "mouth_gain": ("mouth gain", 2),
    "mouth_peak": ("mouth lag [frames]", 0),
    "eye_r": ("eye r", 2),
    "eye_gain": ("eye gain", 2),
}
"""Known metrics in the order in which they are shown: title and decimals."""

NORMAL_95 = 1.96


@dataclass(frozen=True)
class Cell:
    """One figure.

    Attributes:
        value: The figure, NaN where it is not defined.
        margin: Half the width of its 95 % confidence interval, NaN where unknown.
        clips: The value of every clip, where the figure is their mean.
    """

    value: float
    margin: float = math.nan
    clips: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def mean(cls, clips: Mapping[str, float]) -> "Cell":
        """The mean over clips; its interval is 1.96 standard errors, clips being the sample."""
        values = [value for value in clips.values() if not math.isnan(value)]
        count = len(values)
        mean = sum(values) / count if count else math.nan
        margin = math.nan
        if count > 1 and math.isfinite(mean):
            variance = sum((value - mean) ** 2 for value in values) / (count - 1)
            margin = NORMAL_95 * math.sqrt(variance / count)
        return cls(mean, margin, clips)

    def to_json(self) -> dict[str, Any]:
        """Plain values; ``null`` stands for what is undefined or infinite."""
        interval = [self.value - self.margin, self.value + self.margin]
        known = math.isfinite(self.margin)
        cell: dict[str, Any] = {"value": finite(self.value), "ci95": interval if known else None}
        if self.clips:
            cell["clips"] = {name: finite(value) for name, value in self.clips.items()}
        return cell

    def text(self, decimals: int) -> str:
        """The figure and its margin as they stand in a table."""
        if math.isnan(self.value):
            return "–"
        if math.isinf(self.value):
            return "∞"
        if math.isnan(self.margin):
            return f"{self.value:.{decimals}f}"
        return f"{self.value:.{decimals}f} ± {self.margin:.{decimals}f}"


@dataclass
class ResultTable:
    """Figures by row and metric, and how they came about.

    Attributes:
        protocol: What was measured and how, in the order in which it is to be read.
        cells: Figures by row, then metric.
        details: What does not fit into a table, for the JSON file only.
        notes: Sentences below the table.
    """

    protocol: dict[str, str | int | float | None] = field(default_factory=dict)
    cells: dict[str, dict[str, Cell]] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def set(self, row: str, metric: str, cell: Cell) -> None:
        """Enter one figure."""
        self.cells.setdefault(row, {})[metric] = cell

    def rows(self) -> list[str]:
        """Rows that have figures, the known ones first and in their order."""
        return _ordered(ROWS, self.cells)

    def metrics(self) -> list[str]:
        """Metrics that have figures, the known ones first and in their order."""
        return _ordered(COLUMNS, {name: None for row in self.cells.values() for name in row})

    def to_json(self) -> dict[str, Any]:
        """The table as plain values, with every clip's figure."""
        rows = {
            row: {metric: cell.to_json() for metric, cell in self.cells[row].items()}
            for row in self.rows()
        }
        return {"format": FORMAT, "protocol": self.protocol, "rows": rows, "details": self.details}

    def to_markdown(self) -> str:
        """The table with its protocol and notes, to be read."""
        metrics = self.metrics()
        titles = [COLUMNS.get(metric, (metric, 3))[0] for metric in metrics]
        lines = [_line(["", *titles]), _line([":--", *("--:" for _ in metrics)])]
        for row in self.rows():
            texts = [
                self.cells[row].get(metric, Cell(math.nan)).text(COLUMNS.get(metric, ("", 3))[1])
                for metric in metrics
            ]
            lines.append(_line([ROWS.get(row, row), *texts]))
        lines += ["", "Protocol: " + "; ".join(f"{k}: {v}" for k, v in self.protocol.items()) + "."]
        for note in self.notes:
            lines += ["", note]
        return "\n".join(lines) + "\n"

    def write(self, folder: Path) -> None:
        """Write ``table.json`` and ``table.md``; each appears only when it is whole."""
        folder.mkdir(parents=True, exist_ok=True)
        content = json.dumps(self.to_json(), indent=1, allow_nan=False)
        for name, text in (("table.json", content + "\n"), ("table.md", self.to_markdown())):
            aside = folder / f".{name}.part"
            aside.write_text(text, encoding="utf-8")
            os.replace(aside, folder / name)  # noqa: PTH105 (atomic on every platform)


def finite(value: float) -> float | None:
    """``value``, or None where JSON has no number for it."""
    return value if math.isfinite(value) else None


def _ordered(known: Mapping[str, object], present: Mapping[str, object]) -> list[str]:
    return [key for key in known if key in present] + [key for key in present if key not in known]


def _line(texts: list[str]) -> str:
    return "| " + " | ".join(texts) + " |"
