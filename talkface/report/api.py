"""From run folders to a folder with a report."""

from collections.abc import Sequence
from pathlib import Path

from talkface.figures import save_png, stack
from talkface.report.comparison import Comparison, compare
from talkface.report.output import PAGE, check_output, write
from talkface.report.page import to_html
from talkface.report.pictures import strips, videos
from talkface.report.plots import (
    COLUMNS,
    bar_height,
    bar_panels,
    curve_panels,
    legend_of_arms,
    legend_of_rows,
    svg,
)
from talkface.report.runs import find_runs
from talkface.report.texts import to_latex, to_markdown

CURVE_HEIGHT = 2.3
TITLE = "Runs side by side"


def report(
    runs: Sequence[str],
    output: Path,
    *,
    title: str = TITLE,
    base: str | None = None,
    rows: Sequence[str] = (),
) -> Comparison:
    """Compare runs and write the report.

    ``output`` is given ``index.html``, which holds all the rest; ``report.md``, ``table.tex``,
    ``curves.svg``, ``bars.svg`` and ``strips.png`` for other documents.

    Args:
        runs: Folders as ``find_runs`` takes them.
        output: Folder of the report; an earlier report in it is replaced.
        title: What stands above it.
        base: Arm that the others are compared with; the first when None.
        rows: Rows to show; those driven by sound and by video when empty.

    Raises:
        ReportError: If the runs cannot be read or compared, or the output is taken.
        RenderingsNotFoundError: If the pictures of a test are damaged.
    """
    check_output(output)
    comparison = compare(find_runs(runs), title, base, rows)
    texts = {"report.md": to_markdown(comparison)}
    if comparison.lines:
        texts["table.tex"] = to_latex(comparison)
    write(output, {**texts, **_drawn(output, comparison)})
    return comparison


def _drawn(output: Path, comparison: Comparison) -> dict[str, str]:
    """The page and the figures as text; the strips are written."""
    arms, tested, rows = comparison.arms, comparison.tested, comparison.rows
    curves, bars = curve_panels(arms), bar_panels(arms, rows, comparison.metrics)
    height = bar_height(len(tested))
    pictures = strips(arms, rows)
    page = to_html(
        comparison,
        curves=curves,
        curve_height=CURVE_HEIGHT,
        bars=bars,
        bar_height=height,
        strips=pictures,
        videos=videos(arms),
    )
    texts = {PAGE: page}
    if curves:
        legend = legend_of_arms(arms)
        texts["curves.svg"] = svg(list(curves.values()), CURVE_HEIGHT, COLUMNS, legend)
    if bars:
        texts["bars.svg"] = svg(list(bars.values()), height, COLUMNS, legend_of_rows(rows))
    if pictures:
        save_png(stack(list(pictures.values())), output / "strips.png")
    return texts
