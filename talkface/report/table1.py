"""One table of several tests, each on its own corpus, with the truth and *copy* of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from talkface.metrics.table import FILE, ROWS, Cell, ResultTable, TableNotFoundError
from talkface.metrics.table_text import to_csv, to_latex, to_markdown
from talkface.report.errors import EntryError, UnknownRowError
from talkface.report.figures import REFERENCES
from talkface.report.runs import find_test


@dataclass(frozen=True)
class Entry:
    """One line of the table.

    Attributes:
        title: What it is called.
        folder: Folder of a test, or of a run that was tested.
        row: Row of its table.
    """

    title: str
    folder: Path
    row: str

    @classmethod
    def parse(cls, text: str) -> "Entry":
        """An entry as the command line has it, ``TITLE=FOLDER:ROW``.

        Raises:
            EntryError: If it is not of this form.
        """
        title, _, rest = text.partition("=")
        folder, _, row = rest.rpartition(":")
        if not (title.strip() and folder and row):
            raise EntryError(text)
        return cls(title.strip(), Path(folder), row)


def join_tables(entries: Sequence[Entry]) -> ResultTable:
    """The lines that are asked for, after *ground truth* and *copy* of the test of each.

    Tests of the same clips have the same truth, which is shown once.

    Args:
        entries: In the order of the table; those of one test are kept together.

    Raises:
        TableNotFoundError: If a folder holds no test.
        UnknownRowError: If a test does not have the row.
    """
    joined = ResultTable()
    tests = [_test(entry.folder) for entry in entries]
    for test in dict.fromkeys(tests):
        table = ResultTable.read(test)
        corpus = str(table.protocol.get("corpus") or test)
        place = f"{len(joined.protocol) + 1}. {corpus}"
        joined.protocol[place] = _told(table)
        for row in REFERENCES:
            if row in table.cells and not _known(joined, corpus, table.cells[row]):
                _add(joined, f"{place} {row}", f"{corpus}, {ROWS[row]}", table, row)
        for entry in [one for one, of in zip(entries, tests, strict=True) if of == test]:
            if entry.row not in table.cells:
                raise UnknownRowError(entry.row, table.rows())
            _add(joined, f"{place} {entry.row} {entry.title}", entry.title, table, entry.row)
    joined.notes.append("± is half a 95 % interval over the clips of each test.")
    return joined


def texts(table: ResultTable) -> dict[str, str]:
    """The files of the table."""
    return {
        "table1.md": to_markdown(table),
        "table1.tex": to_latex(table),
        "table1.csv": to_csv(table),
    }


def _test(folder: Path) -> Path:
    if (folder / FILE).is_file():
        return folder.resolve()
    test = find_test(folder) if folder.is_dir() else None
    if test is None:
        raise TableNotFoundError(folder, "neither a table.json nor a test beside it")
    return test.resolve()


def _told(table: ResultTable) -> str:
    known = table.protocol
    return f"{known.get('clips')} clips at {known.get('side')} px, {known.get('checkpoint')}"


def _known(joined: ResultTable, corpus: str, cells: Mapping[str, Cell]) -> bool:
    """Whether the same figures of the same corpus are in the table."""
    exact = {metric: cell.to_json() for metric, cell in cells.items()}
    return any(
        joined.titles[key].startswith(f"{corpus}, ")
        and exact == {metric: cell.to_json() for metric, cell in there.items()}
        for key, there in joined.cells.items()
    )


def _add(joined: ResultTable, key: str, title: str, table: ResultTable, row: str) -> None:
    joined.titles[key] = title
    joined.cells[key] = dict(table.cells[row])
