"""The comparison of arms as one value, from which pages, texts and boards are made."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from talkface.metrics.table import COLUMNS, ROWS, Cell, column
from talkface.report.arms import Arm, check_tests, group_runs, notes
from talkface.report.differences import Change, changes
from talkface.report.errors import UnknownRowError
from talkface.report.figures import REFERENCES, Difference, best, difference, figure, rows_of
from talkface.report.runs import Run

CONTROL = "foreign"


@dataclass(frozen=True)
class Line:
    """One row of one arm.

    Attributes:
        arm: The arm.
        row: The row of its tests.
        cells: Figures by metric.
        best: Metrics in which no other arm is better.
        differences: Figures less those of the base, empty for the base itself or without it.
    """

    arm: Arm
    row: str
    cells: dict[str, Cell]
    best: set[str] = field(default_factory=set)
    differences: dict[str, Difference] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """All that is compared.

    Attributes:
        title: What stands above it.
        arms: All arms, the base first.
        metrics: Metrics with a figure, in the order of tables.
        references: Figures of *ground truth* and *copy*, as the first test has them.
        lines: Figures by row, then arm.
        changes: What every arm but the base changes in the config.
        notes: What a reader must know before comparing.
    """

    title: str
    arms: list[Arm]
    metrics: list[str]
    references: dict[str, dict[str, Cell]]
    lines: list[Line]
    changes: dict[str, list[Change]]
    notes: list[str]

    @property
    def base(self) -> Arm:
        """What the others are compared with."""
        return self.arms[0]

    @property
    def tested(self) -> list[Arm]:
        """Arms with results."""
        return [arm for arm in self.arms if arm.tested]

    @property
    def rows(self) -> list[str]:
        """Rows that depend on the arm."""
        return list(dict.fromkeys(line.row for line in self.lines))


def compare(
    runs: Sequence[Run], title: str, base: str | None = None, rows: Sequence[str] = ()
) -> Comparison:
    """Put runs side by side.

    Args:
        runs: At least one.
        title: What stands above it.
        base: Name of the arm that the others are compared with; the first when None.
        rows: Rows to show; all that depend on the arm, less the control, when empty.

    Raises:
        ReportError: If they cannot be compared, see ``group_runs`` and ``check_tests``.
        UnknownRowError: If no test has one of ``rows``.
    """
    arms = group_runs(runs, base)
    check_tests(arms)
    tested = [arm for arm in arms if arm.tested]
    unknown = [row for row in rows if row not in rows_of(tested)]
    if unknown:
        raise UnknownRowError(unknown[0], rows_of(tested))
    metrics = _metrics(tested)
    references = {row: cells for row in REFERENCES if (cells := _reference(tested, row, metrics))}
    shown = rows_of(tested, rows or [row for row in rows_of(tested) if row != CONTROL])
    lines = [line for row in shown for line in _lines(tested, arms[0], row, metrics)]
    changed = {arm.name: changes(arms[0].runs[0].config, arm.runs[0].config) for arm in arms[1:]}
    said = [*notes(arms), *_other_references(tested, metrics)]
    return Comparison(title, arms, metrics, references, lines, changed, said)


def _metrics(arms: Sequence[Arm]) -> list[str]:
    tables = [table for arm in arms for table in arm.tables.values()]
    found = dict.fromkeys(metric for table in tables for metric in table.metrics())
    return [m for m in COLUMNS if m in found] + [m for m in found if m not in COLUMNS]


def _lines(arms: Sequence[Arm], base: Arm, row: str, metrics: Sequence[str]) -> list[Line]:
    """The lines of a row; a control is neither good nor bad, and is not compared."""
    control = row == CONTROL
    winners = {metric: set() if control else best(arms, row, metric) for metric in metrics}
    alone = control or not base.tested
    return [
        Line(
            arm,
            row,
            {metric: figure(arm, row, metric) for metric in metrics},
            {metric for metric in metrics if arm.name in winners[metric]},
            {} if alone or arm is base else {m: difference(arm, base, row, m) for m in metrics},
        )
        for arm in arms
        if any(row in table.cells for table in arm.tables.values())
    ]


def _reference(arms: Sequence[Arm], row: str, metrics: Sequence[str]) -> dict[str, Cell]:
    """A row that does not depend on the arm, as the first test has it."""
    for table in [table for arm in arms for table in arm.tables.values()][:1]:
        if row in table.cells:
            return {metric: table.get(row, metric) for metric in metrics}
    return {}


def _other_references(arms: Sequence[Arm], metrics: Sequence[str]) -> list[str]:
    """Truth and copy are the same pictures in all tests; where the figures differ, say so."""
    tables = [table for arm in arms for table in arm.tables.values()]
    other = [
        (row, metric)
        for row in REFERENCES
        for metric in metrics
        if len({_value(table.get(row, metric), metric) for table in tables}) > 1
    ]
    if not other:
        return []
    rows = " and ".join(dict.fromkeys(ROWS[row] for row, _ in other))
    listed = ", ".join(dict.fromkeys(column(metric).title for _, metric in other))
    return [
        f"The tests do not agree about {rows} in {listed}; shown is the first of {arms[0].name}."
    ]


def _value(cell: Cell, metric: str) -> str:
    """A figure as it is shown, without its interval."""
    return Cell(cell.value).text(column(metric).decimals)
