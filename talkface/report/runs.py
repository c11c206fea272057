"""Finished runs: where they lie, what they were called, and what is known about each."""

import json
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from talkface.metrics.table import FILE as TABLE
from talkface.metrics.table import ResultTable, TableNotFoundError
from talkface.report.errors import DamagedRunError, RunNotFoundError
from talkface.report.history import History, read_history

CONFIG = "config.yaml"
SEED_FOLDER = re.compile(r"seed\d+")


@dataclass(frozen=True)
class Run:
    """One training and, if it was tested, its table.

    Attributes:
        folder: Where it lies.
        config: The resolved tree of ``config.yaml``.
        given: The name that the user gave it, if any.
        history: What it logged.
        test: Folder of its test, if it has one.
        table: The results of that test, where they can be read.
        untested: Why there is no table.
    """

    folder: Path
    config: dict[str, Any]
    given: str | None = None
    history: History = field(default_factory=History)
    test: Path | None = None
    table: ResultTable | None = None
    untested: str = "it was not tested"

    @property
    def group(self) -> str | None:
        """What the run shares with its other seeds: a given name, a folder, a W&B group."""
        beside = self.folder.parent.name if SEED_FOLDER.fullmatch(self.folder.name) else None
        group: str | None = at(self.config, "wandb.group")
        return self.given or beside or group

    @property
    def seed(self) -> Any:
        """The seed of its weights."""
        return self.config.get("seed_everything")

    @property
    def corpus(self) -> str:
        """Name of the folder of its data."""
        return Path(str(at(self.config, "data.root") or "unknown")).name

    @property
    def checkpoint(self) -> Path | None:
        """The last weights, if they are there."""
        path = self.folder / "checkpoints" / "last.ckpt"
        return path if path.is_file() else None

    @property
    def command(self) -> str | None:
        """The command that trained it, if a series of ablations did."""
        try:
            tree = json.loads((self.folder / "job.json").read_text(encoding="utf-8"))
            return shlex.join(["talkface", *map(str, tree["fit"])])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @property
    def seconds(self) -> float | None:
        """How long it was trained, where W&B has kept that."""
        found = 0.0
        for path in sorted(self.folder.glob("wandb/*run-*/files/wandb-summary.json")):
            try:
                found += float(json.loads(path.read_text(encoding="utf-8"))["_runtime"])
            except (OSError, ValueError, KeyError, TypeError):
                return None
        return found or None


def find_runs(words: Sequence[str]) -> list[Run]:
    """Every run that a command line names.

    Args:
        words: Folders of runs, or of folders of them; ``NAME=FOLDER`` gives a name.

    Raises:
        RunNotFoundError: If there is none in one of them.
        DamagedRunError: If a config or a history cannot be read.
    """
    found: dict[Path, Run] = {}
    for word in words:
        name, folder = _named(word)
        runs = [read_run(path, name) for path in _run_folders(folder)]
        if not runs:
            raise RunNotFoundError(folder)
        for run in runs:
            found.setdefault(run.folder.resolve(), run)
    return list(found.values())


def read_run(folder: Path, given: str | None = None) -> Run:
    """All that a run folder tells.

    Args:
        folder: One with a ``config.yaml``.
        given: Name for the run.

    Raises:
        DamagedRunError: If its config or its history cannot be read.
    """
    run = Run(folder, _config(folder), given, read_history(folder), find_test(folder))
    if run.test is None:
        return run
    try:
        return replace(run, table=ResultTable.read(run.test))
    except TableNotFoundError as error:
        return replace(run, untested=str(error).rstrip("."))


def find_test(folder: Path) -> Path | None:
    """The newest test of a run: inside its folder, or beside it and of its checkpoint."""
    inside = [path for path in folder.glob("*") if (path / TABLE).is_file()]
    beside = [path for path in folder.parent.glob("*") if _tests(path, folder)]
    tests = sorted(inside or beside, key=lambda path: (path / TABLE).stat().st_mtime)
    return tests[-1] if tests else None


def _tests(test: Path, folder: Path) -> bool:
    """Whether ``test`` holds the results of a checkpoint of ``folder``."""
    if not ((test / TABLE).is_file() and (test / CONFIG).is_file()):
        return False
    checkpoint = _config(test).get("ckpt_path")
    return checkpoint is not None and Path(checkpoint).parent.parent.name == folder.name


def at(tree: Any, key: str) -> Any:
    """The value of a dotted key, None where there is none."""
    for part in key.split("."):
        tree = tree.get(part) if isinstance(tree, dict) else None
    return tree


def _named(word: str) -> tuple[str | None, Path]:
    name, equals, folder = word.partition("=")
    return (
        (name, Path(folder)) if equals and name and not Path(word).exists() else (None, Path(word))
    )


def _run_folders(folder: Path) -> Iterator[Path]:
    """Folders with a config that are not those of a test; nothing inside them counts."""
    for here, below, files in os.walk(folder):
        below.sort()
        if TABLE in files:
            below.clear()
        elif CONFIG in files:
            below.clear()
            yield Path(here)


def _config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DamagedRunError(path, str(error).splitlines()[0]) from error
    if not isinstance(tree, dict):
        raise DamagedRunError(path, "it is not a tree of settings")
    return tree
