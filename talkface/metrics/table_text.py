"""A table of results as people and programs read it: Markdown, LaTeX, CSV."""

import csv
import io
import json
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from talkface.metrics.table import FILE, Cell, ResultTable, column, plain

ARROWS = {1: " ↑", -1: " ↓", 0: ""}
LATEX_ARROWS = {1: r" $\uparrow$", -1: r" $\downarrow$", 0: ""}
LATEX_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "‰": r"\textperthousand{}",
    "²": r"\textsuperscript{2}",
}
FIGURE = ("row", "metric", "value", "ci95_low", "ci95_high", "clips")
"""Columns of a figure in CSV."""

BREAKDOWNS = ("word", "emotion", "speaker")
"""Attributes of clips by which means are also given."""


def to_markdown(table: ResultTable) -> str:
    """The table with its protocol and notes, to be read."""
    lines = markdown_rows(table)
    lines += ["", "Protocol: " + "; ".join(f"{k}: {v}" for k, v in table.protocol.items()) + "."]
    for note in table.notes:
        lines += ["", note]
    return "\n".join(lines) + "\n"


def markdown_rows(table: ResultTable) -> list[str]:
    """The lines of the table itself; arrows say where better figures lie."""
    metrics = table.metrics()
    titles = [column(metric).title + ARROWS[column(metric).better] for metric in metrics]
    lines = [_line(["", *titles]), _line([":--", *("--:" for _ in metrics)])]
    for row in table.rows():
        texts = [table.get(row, metric).text(column(metric).decimals) for metric in metrics]
        lines.append(_line([table.title(row), *texts]))
    return lines


def to_latex(table: ResultTable) -> str:
    """The table as a ``tabular`` for the packages booktabs and textcomp."""
    metrics = table.metrics()
    head = [escaped(column(m).title) + LATEX_ARROWS[column(m).better] for m in metrics]
    lines = [rf"\begin{{tabular}}{{l{'r' * len(metrics)}}}", r"\toprule"]
    lines += [" & ".join(["", *head]) + r" \\", r"\midrule"]
    for row in table.rows():
        figures = [latex_figure(table.get(row, m), column(m).decimals) for m in metrics]
        lines.append(" & ".join([escaped(table.title(row)), *figures]) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def latex_figure(cell: Cell, decimals: int) -> str:
    """A figure and its margin in LaTeX."""
    text = cell.text(decimals).replace("±", r"\pm").replace("∞", r"\infty")
    return "--" if math.isnan(cell.value) else f"${text}$"


def escaped(text: str) -> str:
    """Text that LaTeX prints as it is."""
    return "".join(LATEX_SPECIAL.get(character, character) for character in text)


def to_csv(table: ResultTable) -> str:
    """One line per figure: row, metric, value, interval, number of clips."""
    return _csv([FIGURE, *_figures(table)])


def clips_csv(table: ResultTable) -> str:
    """One line per clip and row, with what is known about the clip and all its figures."""
    known = list(dict.fromkeys(name for clip in table.clips.values() for name in clip))
    kept = [m for m in table.metrics() if any(table.get(r, m).clips for r in table.rows())]
    lines: list[Sequence[object]] = [("clip", *known, "row", *kept)]
    names = dict.fromkeys(
        clip for row in table.rows() for m in kept for clip in table.get(row, m).clips
    )
    for clip in names:
        facts = [table.clips.get(clip, {}).get(name, "") for name in known]
        for row in table.rows():
            values = [table.get(row, metric).clips.get(clip, math.nan) for metric in kept]
            lines.append((clip, *facts, row, *(_field(value) for value in values)))
    return _csv(lines)


def breakdown_csv(table: ResultTable) -> str:
    """Means by word, by emotion and by speaker, as far as these are known."""
    lines: list[Sequence[object]] = [("by", "of", *FIGURE)]
    for attribute in BREAKDOWNS:
        for value, clips in table.values(attribute).items():
            lines += [(attribute, value, *line) for line in _figures(table.part(clips))]
    return _csv(lines)


def breakdown_markdown(table: ResultTable) -> str:
    """The same to be read: one table per attribute and row of the table."""
    texts = []
    for attribute in BREAKDOWNS:
        groups = table.values(attribute)
        for row in table.rows() if len(groups) > 1 else ():
            across = ResultTable(titles={v: f"{v} ({len(clips)})" for v, clips in groups.items()})
            for value, clips in groups.items():
                for metric, cell in table.part(clips).cells.get(row, {}).items():
                    across.set(value, metric, cell)
            if across.cells:
                lines = markdown_rows(across)
                texts.append("\n".join([f"## {table.title(row)}, by {attribute}", "", *lines]))
    return "\n\n".join(texts) + "\n"


def write_table(table: ResultTable, folder: Path) -> None:
    """Write the table in all its forms; each file appears only when it is whole.

    ``table.json`` holds everything, ``table.md``, ``table.tex`` and ``table.csv`` the means,
    ``clips.csv`` the figures of every clip, ``breakdown.csv`` and ``breakdown.md`` means by word,
    emotion and speaker where the corpus tells them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "table.md": to_markdown(table),
        "table.tex": to_latex(table),
        "table.csv": to_csv(table),
        "clips.csv": clips_csv(table),
    }
    if any(len(table.values(attribute)) > 1 for attribute in BREAKDOWNS):
        texts |= {"breakdown.csv": breakdown_csv(table), "breakdown.md": breakdown_markdown(table)}
    texts[FILE] = json.dumps(table.to_json(), indent=1, allow_nan=False) + "\n"
    for name, text in texts.items():
        aside = folder / f".{name}.part"
        aside.write_text(text, encoding="utf-8", newline="")
        os.replace(aside, folder / name)  # noqa: PTH105 (atomic on every platform)


def _figures(table: ResultTable) -> list[Sequence[object]]:
    lines: list[Sequence[object]] = []
    for row in table.rows():
        for metric, cell in table.cells[row].items():
            bounds = (cell.value, cell.value - cell.margin, cell.value + cell.margin)
            count = sum(not math.isnan(value) for value in cell.clips.values())
            lines.append((row, metric, *(_field(value) for value in bounds), count or ""))
    return lines


def _field(value: float) -> object:
    """A number as CSV holds it: empty where it is not defined."""
    found = plain(value)
    return "" if found is None else found


def _csv(lines: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()


def _line(texts: list[str]) -> str:
    return "| " + " | ".join(texts) + " |"
