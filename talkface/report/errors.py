"""What can be wrong with a report, said to its user."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path


class ReportError(ValueError):
    """A report cannot be made of what was given."""


class RunNotFoundError(ReportError):
    """A folder neither is a run nor holds one."""

    def __init__(self, folder: Path) -> None:
        if folder.is_dir():
            seen = sorted(path.name for path in folder.iterdir())[:8]
            found = f"the folder holds {', '.join(seen)}" if seen else "the folder is empty"
        else:
            found = "it is a file" if folder.exists() else "it does not exist"
        super().__init__(
            f"No run in {folder} ({found}). Give a folder that `talkface fit` wrote, with its "
            "config.yaml, or a folder of such folders."
        )


class DamagedRunError(ReportError):
    """A file of a run cannot be read."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} is damaged ({reason}). Leave the run out, or remove this file to show the "
            "run without it."
        )


class SameRunError(ReportError):
    """Two runs would be the same seed of the same arm."""

    def __init__(self, name: str, seed: object, folders: Sequence[Path]) -> None:
        listed = " and ".join(map(str, folders))
        super().__init__(
            f"{listed} are both seed {seed} of {name!r}. Give one of them, or name them apart: "
            "`talkface report NAME=RUN OTHER=RUN`."
        )


class UnknownArmError(ReportError):
    """The base is not among the runs."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"No runs are called {name!r}. --base is one of: {', '.join(known)}.")


class DifferentTestsError(ReportError):
    """Runs were tested on other clips or pictures: no figure of one compares with the other's."""

    def __init__(self, key: str, found: Mapping[str, object]) -> None:
        listed = ", ".join(f"{name}: {value}" for name, value in found.items())
        super().__init__(
            f"The runs were tested on another {key} each ({listed}), so their figures cannot "
            "stand in one table. Make a report of each; --table1 puts several corpora below "
            "each other."
        )


class UnknownRowError(ReportError):
    """A row of the table is asked for that no test has."""

    def __init__(self, row: str, known: Iterable[str]) -> None:
        super().__init__(f"No row {row!r} in the tables; there are: {', '.join(known) or 'none'}.")


class EntryError(ReportError):
    """An entry of ``--table1`` cannot be understood."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"{text!r} is no entry of a table. Write TITLE=FOLDER:ROW, as in "
            '"LRW audio-driven=runs/lrw/test:audio".'
        )


class OutputError(ReportError):
    """The report cannot be written where it was asked for."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"The report cannot be written into {path} ({reason}). Choose another --output."
        )


class BoardError(ReportError):
    """Weights & Biases cannot show the runs."""
