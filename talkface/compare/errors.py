"""What can be wrong with what is to be compared, said with the next step."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

SHOWN = 3
"""Names given as examples in a message."""


class CompareError(ValueError):
    """Videos that cannot be compared; the message says why and what to change."""


class OptionError(CompareError):
    """An option of ``talkface compare`` cannot be followed."""


class MissingFolderError(CompareError):
    """A folder of videos does not exist."""

    def __init__(self, owner: str, folder: Path) -> None:
        found = "is a file" if folder.is_file() else "does not exist"
        super().__init__(f"The folder of {owner}, {folder}, {found}. Give a folder of videos.")


class EmptyFolderError(CompareError):
    """A folder has no video in it."""

    def __init__(self, owner: str, folder: Path, suffixes: Iterable[str]) -> None:
        found = [path.name for path in sorted(folder.iterdir())]
        held = f"it holds {examples(found)}" if found else "it is empty"
        super().__init__(
            f"No video in the folder of {owner}, {folder}: {held}. Looked for "
            f"{', '.join(suffixes)} at any depth."
        )


class SameNameError(CompareError):
    """Two videos of one folder have the same name but for the suffix."""

    def __init__(self, owner: str, first: Path, second: Path) -> None:
        super().__init__(
            f"Two videos of {owner} have one name: {first} and {second}. Clips are matched by "
            "their names without suffix: keep one of the two."
        )


class NoCommonClipError(CompareError):
    """No video of a method has the name of a true one."""

    def __init__(self, method: str, real: Collection[str], found: Collection[str]) -> None:
        super().__init__(
            f"No clip of {method} has the name of a true one. True clips are called, for example, "
            f"{examples(real)}; those of {method} {examples(found)}. Names below the two folders "
            "must agree but for the suffix: give the folders at the same level, or rename."
        )


class NothingSharedError(CompareError):
    """Every method has clips, but there is none that all of them have."""

    def __init__(self, coverage: Iterable[str]) -> None:
        super().__init__(
            f"No clip is there for all methods ({'; '.join(coverage)}), and means are over clips "
            "that all methods have. Give --unpaired to have each method averaged over its own."
        )


class NothingScoredError(CompareError):
    """Too many videos were refused."""

    def __init__(self, refused: Sequence[str], file: Path) -> None:
        super().__init__(
            f"No clip is left to average over: {len(refused)} videos were refused, the first "
            f"{refused[0]} All are in {file}. If every method has some clips left, --unpaired "
            "averages each over its own."
        )


class NestedOutputError(CompareError):
    """Output and videos lie within each other."""

    def __init__(self, output: Path, owner: str, folder: Path) -> None:
        super().__init__(
            f"The output {output} and the folder of {owner}, {folder}, lie within each other. "
            "Choose an --output outside the folders of videos."
        )


class WorkerError(CompareError):
    """A worker process ended abruptly."""

    def __init__(self) -> None:
        super().__init__(
            "A worker process ended abruptly (out of memory?). Finished clips are kept: run the "
            "same command again, with fewer --workers if it happens again."
        )


class LengthError(CompareError):
    """Two videos differ too much in length."""

    def __init__(self, found: int, expected: int, offset: int, allowed: int) -> None:
        skipped = f" after the first {offset}" if offset else ""
        super().__init__(
            f"It has {found} frames at 25 per second, the true clip {expected}{skipped}: more than "
            f"{allowed} apart. --allow-mismatch {abs(found - expected)} would cut both to the "
            "shorter of the two."
        )


def examples(names: Collection[str]) -> str:
    """The first few of ``names``, and how many more there are."""
    more = len(names) - SHOWN
    shown = ", ".join(sorted(names)[:SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown
