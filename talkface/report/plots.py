"""Curves and interval bars as SVG, legible on light and dark pages."""

import io
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from talkface.metrics.table import ROWS, column
from talkface.metrics.table_text import ARROWS
from talkface.report.arms import Arm
from talkface.report.figures import figure
from talkface.report.history import Curve
from talkface.report.palette import INK, color

Draw = Callable[[Axes], None]

STYLE: Any = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "font.size": 8,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "savefig.transparent": True,
    "svg.hashsalt": "talkface",
    "text.color": INK,
    "text.parse_math": False,  # a name may hold dollars
    "xtick.color": INK,
    "ytick.color": INK,
}
WIDTH = 3.6
"""Inches of a panel."""

COLUMNS = 3
SMOOTHED = 0.1
"""Share of the points of a training curve over which a mean is taken."""

MARKERS = ("o", "s", "D", "^")
LONGEST = 28
"""Characters of a name that a figure shows."""


def curve_names(arms: Sequence[Arm]) -> list[str]:
    """Curves worth a panel: all of validation, then the terms of the loss."""
    names = sorted({name for arm in arms for run in arm.runs for name in run.history.curves})
    return [name for part in ("val/", "train/") for name in names if name.startswith(part)]


def mean_curve(curves: Sequence[Curve]) -> Curve:
    """The mean over seeds at the steps that all of them have."""
    known = [dict(zip(curve.steps, curve.values, strict=True)) for curve in curves]
    steps = sorted(set.intersection(*(set(one) for one in known))) if known else []
    return Curve(steps, [sum(one[step] for one in known) / len(known) for step in steps])


def draw_curve(name: str, arms: Sequence[Arm], axes: Axes) -> None:
    """One logged value over the steps: an arm has a colour, each of its seeds a thin line."""
    for index, arm in enumerate(arms):
        found = [r.history.curves[name] for r in arm.runs if name in r.history.curves]
        curves = [curve.smooth(SMOOTHED) if name.startswith("train/") else curve for curve in found]
        for curve in curves if len(curves) > 1 else []:
            axes.plot(curve.steps, curve.values, color=color(index), lw=0.6, alpha=0.5)
        if curves:
            mean = mean_curve(curves)
            axes.plot(mean.steps, mean.values, color=color(index), lw=1.6, label=cut(arm.name))
    axes.set_title(name)
    axes.set_xlabel("step", loc="right")
    axes.grid(alpha=0.2, color=INK)
    axes.margins(x=0.02)


def draw_bars(metric: str, arms: Sequence[Arm], rows: Sequence[str], axes: Axes) -> None:
    """One metric: a point and its interval per arm and row, the figure of *copy* as a line."""
    for index, arm in enumerate(arms):
        for place, row in enumerate(rows):
            cell = figure(arm, row, metric)
            if math.isfinite(cell.value):
                margin = None if math.isnan(cell.margin) else cell.margin
                height = index + 0.5 * (place - (len(rows) - 1) / 2) / len(rows)
                axes.errorbar(
                    *(cell.value, height, None, margin),
                    fmt=MARKERS[place % len(MARKERS)],
                    color=color(index),
                    ms=5,
                    lw=1.6,
                    mfc=color(index) if place == 0 else "none",
                )
    copied = figure(arms[0], "copy", metric).value
    if math.isfinite(copied):
        axes.axvline(copied, color=INK, lw=1, ls=(0, (3, 3)))
    axes.set_yticks(range(len(arms)), [cut(arm.name) for arm in arms])
    axes.set_ylim(len(arms) - 0.5, -0.5)
    axes.set_title(column(metric).title + ARROWS[column(metric).better])
    axes.grid(alpha=0.2, color=INK, axis="x")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def curve_panels(arms: Sequence[Arm]) -> dict[str, Draw]:
    """What draws every curve, by name."""
    return {name: partial(draw_curve, name, arms) for name in curve_names(arms)}


def bar_panels(arms: Sequence[Arm], rows: Sequence[str], metrics: Sequence[str]) -> dict[str, Draw]:
    """What draws every metric that has finite figures, by name."""
    return {
        metric: partial(draw_bars, metric, arms, rows)
        for metric in metrics
        if any(math.isfinite(figure(arm, row, metric).value) for arm in arms for row in rows)
    }


def bar_height(arms: int) -> float:
    """Inches of a panel of interval bars."""
    return 0.75 + 0.34 * arms


def legend_of_arms(arms: Sequence[Arm]) -> list[Line2D]:
    """A line in the colour of every arm."""
    return [
        Line2D([], [], color=color(index), lw=2, label=cut(arm.name))
        for index, arm in enumerate(arms)
    ]


def legend_of_rows(rows: Sequence[str]) -> list[Line2D]:
    """A mark for every row, and the line of *copy*."""
    marks = [
        Line2D([], [], color=INK, marker=MARKERS[i % len(MARKERS)], ls="", label=ROWS.get(row, row))
        for i, row in enumerate(rows)
    ]
    for mark in marks[1:]:
        mark.set_markerfacecolor("none")
    return [*marks, Line2D([], [], color=INK, lw=1, ls=(0, (3, 3)), label=ROWS["copy"])]


def svg(
    panels: Sequence[Draw], height: float, columns: int = 1, legend: Sequence[Line2D] = ()
) -> str:
    """Panels in a grid, as the text of an SVG file.

    Args:
        panels: At least one.
        height: Inches of a panel.
        columns: Panels side by side.
        legend: What stands above them.
    """
    columns = min(columns, len(panels))
    lines = math.ceil(len(panels) / columns)
    above = 0.35 * math.ceil(len(legend) / columns)
    with mpl.rc_context(STYLE):
        size = (WIDTH * columns, height * lines + above)
        whole = Figure(figsize=size, layout="constrained")
        for place, draw in enumerate(panels):
            draw(whole.add_subplot(lines, columns, place + 1))
        if legend:
            whole.legend(handles=list(legend), loc="outside upper left", ncols=columns)
        text = io.StringIO()
        whole.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def cut(name: str) -> str:
    """A name that is not too long for a figure."""
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"
