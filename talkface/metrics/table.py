"""The table of results: figures by row and metric, every clip's value kept beside the mean."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

FORMAT = 2
FILE = "table.json"

ROWS = {
    "truth": "ground truth",
    "copy": "copy (identity frame repeated)",
    "audio": "audio-driven",
    "video": "video-driven",
    "foreign": "control: sound of another clip",
}
"""Known rows in the order in which they are shown, with their titles."""


class Column(NamedTuple):
    """How a metric is shown.

    Attributes:
        title: What stands above its figures.
        decimals: Digits after the point.
        better: 1 where more is better, -1 where less is, 0 where nearer to the truth is.
    """

    title: str
    decimals: int = 3
    better: int = 0


COLUMNS = {
    "psnr": Column("PSNR [dB]", 2, 1),
    "ssim": Column("SSIM", 3, 1),
    "cpbd": Column("CPBD", 3, 1),
    "lpips": Column("LPIPS", 3, -1),
    "fid": Column("FID", 1, -1),
    "holes": Column("holes [‰]", 3, -1),
    "csim": Column("CSIM", 3, 1),
    "identity_rank": Column("identity rank [%]", 1, 1),
    "lmd_mouth": Column("LMD mouth [px]", 2, -1),
    "lmd_face": Column("LMD face [px]", 2, -1),
    "mouth_r": Column("mouth r", 2, 1),
    "mouth_gain": Column("mouth gain", 2, 0),
    "mouth_peak": Column("mouth lag [frames]", 0, 0),
    "eye_r": Column("eye r", 2, 1),
    "eye_gain": Column("eye gain", 2, 0),
    "head_r": Column("head r", 2, 1),
    "head_gain": Column("head gain", 2, 0),
    "lse_c": Column("LSE-C", 2, 1),
    "lse_d": Column("LSE-D", 2, -1),
    "lse_offset": Column("LSE |offset| [frames]", 2, -1),
    "sync_confidence": Column("own sync confidence", 3, 1),
    "sync_offset": Column("own sync lag [frames]", 2, 0),
    "flicker": Column("flicker [levels]", 2, -1),
    "jitter": Column("jitter [px/frame²]", 2, 0),
}
"""Known metrics in the order in which they are shown."""

NORMAL_95 = 1.96


class TableNotFoundError(FileNotFoundError):
    """A folder holds no table of results, or one that this version cannot read."""

    def __init__(self, folder: Path, found: str) -> None:
        super().__init__(
            f"No table of results in {folder} ({found}). "
            "Give a folder that `talkface test` or `talkface compare` of this version wrote."
        )


@dataclass(frozen=True)
class Cell:
    """One figure.

    Attributes:
        value: The figure, NaN where it is not defined.
        margin: Half the width of its 95 % confidence interval, NaN where unknown.
        clips: The value of every clip, where the figure is their mean or pools them.
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
        """Plain values; ``null`` stands for what is undefined, "inf" for what is infinite."""
        interval = [self.value - self.margin, self.value + self.margin]
        known = all(map(math.isfinite, interval))
        cell: dict[str, Any] = {"value": plain(self.value), "ci95": interval if known else None}
        if self.clips:
            cell["clips"] = {name: plain(value) for name, value in self.clips.items()}
        return cell

    @classmethod
    def from_json(cls, cell: Mapping[str, Any]) -> "Cell":
        """The figure that ``to_json`` wrote."""
        interval = cell["ci95"]
        margin = math.nan if interval is None else (interval[1] - interval[0]) / 2
        clips = {name: number(value) for name, value in cell.get("clips", {}).items()}
        return cls(number(cell["value"]), margin, clips)

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
        clips: What is known about every clip, such as its ``word``, ``emotion`` and ``speaker``.
        titles: Titles of rows that are not in ``ROWS``.
    """

    protocol: dict[str, str | int | float | None] = field(default_factory=dict)
    cells: dict[str, dict[str, Cell]] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    clips: dict[str, dict[str, str]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)

    def set(self, row: str, metric: str, cell: Cell) -> None:
        """Enter one figure."""
        self.cells.setdefault(row, {})[metric] = cell

    def get(self, row: str, metric: str) -> Cell:
        """One figure, undefined where nothing was entered."""
        return self.cells.get(row, {}).get(metric, Cell(math.nan))

    def rows(self) -> list[str]:
        """Rows that have figures, the known ones first and in their order."""
        return _ordered(ROWS, self.cells)

    def title(self, row: str) -> str:
        """What a row is called."""
        return self.titles.get(row, ROWS.get(row, row))

    def metrics(self) -> list[str]:
        """Metrics that have figures, the known ones first and in their order."""
        return _ordered(COLUMNS, {name: None for row in self.cells.values() for name in row})

    def values(self, attribute: str) -> dict[str, list[str]]:
        """Clips by their ``word``, ``emotion`` or another attribute; those without are left out."""
        found: dict[str, list[str]] = {}
        for clip, known in self.clips.items():
            if value := known.get(attribute):
                found.setdefault(value, []).append(clip)
        return dict(sorted(found.items()))

    def part(self, clips: list[str]) -> "ResultTable":
        """The same means over some of the clips; figures that pool clips are left out."""
        chosen = ResultTable(titles=self.titles)
        for row, cells in self.cells.items():
            for metric, cell in cells.items():
                known = {clip: cell.clips[clip] for clip in clips if clip in cell.clips}
                if known and metric not in self.details.get("pooled", ()):
                    chosen.set(row, metric, Cell.mean(known))
        return chosen

    def to_json(self) -> dict[str, Any]:
        """The table as plain values, with every clip's figure."""
        rows = {
            row: {metric: cell.to_json() for metric, cell in self.cells[row].items()}
            for row in self.rows()
        }
        return {
            "format": FORMAT,
            "protocol": self.protocol,
            "titles": {row: self.title(row) for row in self.rows()},
            "better": {metric: column(metric).better for metric in self.metrics()},
            "rows": rows,
            "clips": self.clips,
            "notes": self.notes,
            "details": self.details,
        }

    @classmethod
    def read(cls, folder: Path) -> "ResultTable":
        """The table that lies in a folder.

        Raises:
            TableNotFoundError: If there is none, or it cannot be read.
        """
        path = folder / FILE
        if not path.is_file():
            raise TableNotFoundError(folder, "there is no table.json")
        try:
            tree = json.loads(path.read_text(encoding="utf-8"))
            if tree.get("format") != FORMAT:
                raise TableNotFoundError(folder, f"its table.json has format {tree.get('format')}")
            cells = {
                row: {metric: Cell.from_json(cell) for metric, cell in figures.items()}
                for row, figures in tree["rows"].items()
            }
            parts = {name: tree[name] for name in ("protocol", "details", "notes", "clips")}
            return cls(cells=cells, titles=tree["titles"], **parts)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise TableNotFoundError(folder, f"its table.json is damaged: {error}") from error


def column(metric: str) -> Column:
    """How a metric is shown, known or not."""
    return COLUMNS.get(metric, Column(metric))


def plain(value: float) -> float | str | None:
    """``value`` as JSON can hold it: None for NaN, a word for what is infinite."""
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else ("inf" if value > 0 else "-inf")


def number(value: float | str | None) -> float:
    """The number that `plain` made a JSON value of."""
    return math.nan if value is None else float(value)


def _ordered(known: Mapping[str, object], present: Mapping[str, object]) -> list[str]:
    return [key for key in known if key in present] + [key for key in present if key not in known]
