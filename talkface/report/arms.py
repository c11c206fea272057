"""Arms of a comparison: the runs that differ in nothing but the seed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from talkface.metrics.table import ResultTable
from talkface.report.differences import changes
from talkface.report.errors import DifferentTestsError, SameRunError, UnknownArmError
from talkface.report.runs import Run

SAME = ("corpus", "side")
"""What tests must have in common to be compared."""

TOLD = frozenset({*SAME, "clips", "frames", "seed", "checkpoint"})
"""What a protocol says that is no way of measuring."""


@dataclass(frozen=True)
class Arm:
    """Runs of one name, one for every seed.

    Attributes:
        name: What it is called.
        runs: At least one, in the order of their seeds.
    """

    name: str
    runs: list[Run]

    @property
    def tested(self) -> list[Run]:
        """Runs that have results."""
        return [run for run in self.runs if run.table is not None]

    @property
    def tables(self) -> dict[object, ResultTable]:
        """Results by seed."""
        return {run.seed: run.table for run in self.runs if run.table is not None}

    @property
    def clips(self) -> set[str]:
        """Clips that every test of the arm has figures of."""
        seen = [
            {
                clip
                for cells in table.cells.values()
                for cell in cells.values()
                for clip in cell.clips
            }
            for table in self.tables.values()
        ]
        return set.intersection(*seen) if seen else set()


def group_runs(runs: Sequence[Run], base: str | None = None) -> list[Arm]:
    """Runs by arm, the base first, the others in the order in which they were given.

    Runs without a name of their own are called after their folder, with as many of the folders
    around it as tell them apart.

    Args:
        runs: At least one.
        base: Name of the arm that the others are compared with; the first when None.

    Raises:
        SameRunError: If an arm has a seed twice.
        UnknownArmError: If there is no arm of the name ``base``.
    """
    names = _folder_names([run.folder for run in runs if run.group is None])
    arms: dict[str, list[Run]] = {}
    for run in runs:
        arms.setdefault(run.group or names[run.folder], []).append(run)
    for name, members in arms.items():
        _check_seeds(name, members)
    if base is not None and base not in arms:
        raise UnknownArmError(base, arms)
    ordered = sorted(arms, key=lambda name: name != base) if base else list(arms)
    return [Arm(name, sorted(arms[name], key=lambda run: str(run.seed))) for name in ordered]


def _folder_names(folders: Sequence[Path]) -> dict[Path, str]:
    """The shortest ends of paths that tell folders apart."""
    whole = {folder: folder.resolve().parts for folder in folders}
    longest = max((len(parts) for parts in whole.values()), default=0)
    for length in range(1, longest + 1):
        names = {folder: "/".join(parts[-length:]) for folder, parts in whole.items()}
        if max(Counter(names.values()).values()) == 1:
            return names
    return {folder: str(folder) for folder in folders}


def _check_seeds(name: str, runs: Sequence[Run]) -> None:
    by_seed: dict[str, list[Path]] = {}
    for run in runs:
        by_seed.setdefault(str(run.seed), []).append(run.folder)
    for seed, folders in by_seed.items():
        if len(folders) > 1:
            raise SameRunError(name, seed, folders)


def check_tests(arms: Sequence[Arm]) -> None:
    """Make sure that the figures of all arms are about the same pictures.

    Raises:
        DifferentTestsError: If corpus or picture size differ.
    """
    for key in SAME:
        found = {
            f"{arm.name}, seed {seed}": table.protocol.get(key)
            for arm in arms
            for seed, table in arm.tables.items()
        }
        if len(set(found.values())) > 1:
            raise DifferentTestsError(key, found)


def same_clips(arms: Sequence[Arm]) -> bool:
    """Whether every test has figures of the same clips."""
    seen = [Arm(arm.name, [run]).clips for arm in arms for run in arm.tested]
    return all(clips == seen[0] for clips in seen)


def notes(arms: Sequence[Arm]) -> list[str]:
    """Sentences about what a reader must know before comparing."""
    return [*_untested(arms), *_uneven(arms), *_other_clips(arms), *_other_measures(arms)]


def _untested(arms: Sequence[Arm]) -> list[str]:
    return [
        f"{run.folder} ({arm.name}) has curves only: {run.untested}."
        for arm in arms
        for run in arm.runs
        if run.table is None
    ]


def _uneven(arms: Sequence[Arm]) -> list[str]:
    """Seeds of an arm that were not trained alike."""
    found = []
    for arm in arms:
        keys = {c.key for run in arm.runs[1:] for c in changes(arm.runs[0].config, run.config)}
        if keys:
            found.append(
                f"The runs of {arm.name} differ in more than the seed: {', '.join(sorted(keys))}."
            )
    return found


def _other_clips(arms: Sequence[Arm]) -> list[str]:
    if same_clips(arms):
        return []
    counts = ", ".join(f"{arm.name}: {len(arm.clips)}" for arm in arms if arm.tested)
    return [
        f"The tests are of different clips ({counts}): the best figures are not marked, and "
        "differences are taken over the clips that both have."
    ]


def _other_measures(arms: Sequence[Arm]) -> list[str]:
    """Ways of measuring that are not the same in all tests."""
    tables = [table for arm in arms for table in arm.tables.values()]
    said = [
        {key: str(value) for key, value in table.protocol.items() if key not in TOLD}
        | {"reader of the openings": str(table.details.get("motion", {}).get("reader"))}
        for table in tables
    ]
    keys = dict.fromkeys(key for one in said for key in one)
    other = [key for key in keys if len({one.get(key) for one in said}) > 1]
    if not other:
        return []
    return [f"Not all tests measured alike; they differ in: {', '.join(other)}."]
