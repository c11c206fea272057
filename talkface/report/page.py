"""The page: one HTML file that holds its styles, figures, pictures and videos itself."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import Any

from jaxtyping import UInt8
from jinja2 import Environment, PackageLoader, StrictUndefined
from torch import Tensor

from talkface.metrics.table import ROWS, column
from talkface.metrics.table_text import ARROWS
from talkface.report.comparison import Comparison
from talkface.report.output import GENERATOR
from talkface.report.palette import color
from talkface.report.pictures import LARGEST_PAGE, LARGEST_VIDEO, Video, data_uri, picture_uri
from talkface.report.plots import SMOOTHED, Draw, svg
from talkface.report.texts import MARKS, seeds_of, signed

TITLES = {
    "figures": "Figures",
    "differences": "Differences",
    "bars": "Intervals",
    "curves": "Curves",
    "pictures": "Pictures",
    "videos": "Videos",
    "settings": "Settings",
    "runs": "Runs",
}
SHAPES = ("Filled circles", "Open squares", "Open diamonds", "Open triangles")


def to_html(
    report: Comparison,
    *,
    curves: Mapping[str, Draw],
    curve_height: float,
    bars: Mapping[str, Draw],
    bar_height: float,
    strips: Mapping[str, UInt8[Tensor, "_ _ 3"]],
    videos: Sequence[Video],
) -> str:
    """The page of a comparison.

    Args:
        report: What is compared.
        curves: What draws every curve, by title.
        curve_height: Inches of a curve's panel.
        bars: What draws the intervals of every metric.
        bar_height: Inches of such a panel.
        strips: Matched strips by clip.
        videos: Videos in the order in which they are shown.
    """
    shown = {
        "bars": _drawn({column(name).title: draw for name, draw in bars.items()}, bar_height),
        "curves": _drawn(curves, curve_height),
        "strips": [(clip, picture_uri(image)) for clip, image in strips.items()],
        "videos": [(clip, list(part)) for clip, part in groupby(videos, lambda video: video.clip)],
    }
    page: str = _template().render(
        report=report,
        metrics=report.metrics,
        colors={arm.name: color(index) for index, arm in enumerate(report.arms)},
        **shown,
        **_tables(report),
        **_runs(report),
        sections=_sections(report, shown),
        summary=_summary(report),
        style=files(__package__).joinpath("templates/style.css").read_text(encoding="utf-8"),
        bar_legend=", ".join(map(_shape, range(len(report.rows)), report.rows)) + ".",
        smoothed=round(100 * SMOOTHED),
        largest_video=LARGEST_VIDEO // 1_000_000,
        largest_page=LARGEST_PAGE // 1_000_000,
    )
    return page


@cache
def _template() -> Any:
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        arrows=ARROWS,
        column=column,
        duration=duration,
        generator=GENERATOR,
        marks=MARKS,
        rows=ROWS,
        seeds_of=seeds_of,
        signed=signed,
    )
    return environment.get_template("page.html")


def _drawn(panels: Mapping[str, Draw], height: float) -> list[tuple[str, str]]:
    return [
        (title, data_uri(svg([draw], height).encode(), "image/svg+xml"))
        for title, draw in panels.items()
    ]


def _shape(place: int, row: str) -> str:
    shape = SHAPES[place % len(SHAPES)]
    return f"{shape if place == 0 else shape.lower()}: {ROWS.get(row, row)}"


def _sections(report: Comparison, shown: Mapping[str, object]) -> list[tuple[str, str]]:
    there = {
        **shown,
        "figures": report.lines,
        "differences": _compared(report),
        "pictures": shown["strips"],
        "settings": report.changes,
        "runs": True,
    }
    return [(anchor, title) for anchor, title in TITLES.items() if there[anchor]]


def _compared(report: Comparison) -> bool:
    return any(line.differences for line in report.lines)


def _summary(report: Comparison) -> str:
    runs = [run for arm in report.arms for run in arm.runs]
    parts = [_count(len(report.arms), "arm"), _count(len(runs), "run")]
    parts.append("corpus " + ", ".join(dict.fromkeys(run.corpus for run in runs)))
    if report.tested:
        table = next(iter(report.tested[0].tables.values()))
        clips = sorted({len(arm.clips) for arm in report.tested})
        parts.append(f"{' or '.join(map(str, clips))} test clips")
        parts.append(f"{table.protocol.get('side')} px")
    return " · ".join(parts)


def _tables(report: Comparison) -> dict[str, Any]:
    """Sentences for above the tables."""
    found = [d for line in report.lines for d in line.differences.values()]
    nearest = [column(m).title for m in report.metrics if column(m).better == 0]
    counts = sorted({difference.count for difference in found if difference.count})
    pools = {
        metric
        for arm in report.tested
        for table in arm.tables.values()
        for metric in table.details.get("pooled", ())
    }
    pooled = [m for m in report.metrics if m in pools]
    return {
        "compared": _compared(report),
        "nearest": ", ".join(nearest),
        "nearest_one": len(nearest) == 1,
        "counts": " or ".join(map(str, counts)) + " clips",
        "by_seed": any(difference.seeds for difference in found),
        "pooled": ", ".join(column(metric).title for metric in pooled),
    }


def _runs(report: Comparison) -> dict[str, Any]:
    runs = [run for arm in report.arms for run in arm.runs]
    tables = [table for arm in report.tested for table in arm.tables.values()]
    kept = {"seed", "checkpoint"}
    return {
        "commands": [run.command for run in runs if run.command],
        "protocol": {k: v for k, v in tables[0].protocol.items() if k not in kept}
        if tables
        else {},
        "table_notes": dict.fromkeys(note for table in tables for note in table.notes),
        "changes": bool(report.changes),
    }


def duration(seconds: float | None) -> str:
    """A duration in words."""
    if seconds is None:
        return "unknown"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"  # noqa: PLR2004


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + "s" * (number != 1)
