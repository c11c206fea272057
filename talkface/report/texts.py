"""A comparison as Markdown and LaTeX."""

from collections.abc import Sequence

from talkface.metrics.table import ROWS, Cell, column
from talkface.metrics.table_text import ARROWS, LATEX_ARROWS, escaped, latex_figure
from talkface.report.comparison import Comparison, Line
from talkface.report.figures import Difference

MARKS = {"better": " ▲", "worse": " ▼", "other": " ◆", "": ""}
MARKDOWN_SPECIAL = "\\`*_[]<>|#~$"


def signed(cell: Cell, decimals: int) -> str:
    """A difference with its sign, and its margin."""
    text = cell.text(decimals)
    return f"+{text}" if cell.value > 0 and text[0].isdigit() else text


def seeds_of(line: Line) -> str:
    """How many trainings a line stands for, and what its interval is over."""
    count = len(line.arm.tested)
    return "1 seed, ± over clips" if count == 1 else f"{count} seeds, ± over seeds"


def to_markdown(comparison: Comparison) -> str:
    """Table, differences to the base, and what differs in the configs."""
    parts = [f"# {plain_text(comparison.title)}"]
    if comparison.lines:
        parts.append(_table(comparison))
    if any(line.differences for line in comparison.lines):
        parts.append(f"## Less {plain_text(comparison.base.name)}")
        parts.append(_differences(comparison))
    if comparison.changes:
        parts.append(f"## What differs from {plain_text(comparison.base.name)} in the configs")
        parts.append(_changes(comparison))
    parts += [plain_text(note) for note in comparison.notes]
    return "\n\n".join(parts) + "\n"


def _table(comparison: Comparison) -> str:
    metrics = comparison.metrics
    titles = [column(metric).title + ARROWS[column(metric).better] for metric in metrics]
    lines = [_joined(["", "", *titles]), _joined([":--", ":--", *["--:"] * len(metrics)])]
    for row, cells in comparison.references.items():
        texts = [cells[metric].text(column(metric).decimals) for metric in metrics]
        lines.append(_joined([ROWS[row], "", *texts]))
    for line in comparison.lines:
        texts = [_bold(line, metric) for metric in metrics]
        lines.append(_joined([_name(line), seeds_of(line), *texts]))
    return "\n".join(lines)


def _bold(line: Line, metric: str) -> str:
    text = line.cells[metric].text(column(metric).decimals)
    return f"**{text}**" if metric in line.best else text


def _differences(comparison: Comparison) -> str:
    titles = [column(metric).title for metric in comparison.metrics]
    lines = [_joined(["", *titles]), _joined([":--", *["--:"] * len(titles)])]
    for line in comparison.lines:
        if line.differences:
            found = [_difference(m, line.differences[m]) for m in comparison.metrics]
            lines.append(_joined([_name(line), *found]))
    return "\n".join(lines)


def _difference(metric: str, found: Difference) -> str:
    return signed(found.clips, column(metric).decimals) + MARKS[found.verdict(metric)]


def _changes(comparison: Comparison) -> str:
    lines = [_joined(["arm", "setting", "base", "arm has"]), _joined([":--"] * 4)]
    for name, changed in comparison.changes.items():
        for change in changed:
            lines.append(_joined([plain_text(text) for text in (name, *change)]))
    return "\n".join(lines)


def _name(line: Line) -> str:
    return f"{plain_text(line.arm.name)}, {plain_text(ROWS.get(line.row, line.row))}"


def plain_text(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    one_line = " ".join(text.split())
    return "".join(f"\\{c}" if c in MARKDOWN_SPECIAL else c for c in one_line)


def _joined(texts: Sequence[str]) -> str:
    return "| " + " | ".join(texts) + " |"


def to_latex(comparison: Comparison) -> str:
    """The table as a ``tabular`` for the packages booktabs and textcomp; best figures are bold."""
    metrics = comparison.metrics
    head = [escaped(column(m).title) + LATEX_ARROWS[column(m).better] for m in metrics]
    lines = [rf"\begin{{tabular}}{{l{'r' * len(metrics)}}}", r"\toprule"]
    lines.append(" & ".join(["", *head]) + r" \\")
    groups = [
        [_latex_line(ROWS[row], cells, set(), metrics) for row, cells in found.items()]
        for found in [comparison.references]
        if found
    ]
    for row in comparison.rows:
        shown = [line for line in comparison.lines if line.row == row]
        title = ROWS.get(row, row)
        groups.append(
            [_latex_line(f"{o.arm.name}, {title}", o.cells, o.best, metrics) for o in shown]
        )
    for group in groups:
        lines += [r"\midrule", *group]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _latex_line(title: str, cells: dict[str, Cell], best: set[str], metrics: Sequence[str]) -> str:
    figures = []
    for metric in metrics:
        text = latex_figure(cells[metric], column(metric).decimals)
        figures.append(rf"\textbf{{\boldmath {text}}}" if metric in best else text)
    return " & ".join([escaped(title), *figures]) + r" \\"
