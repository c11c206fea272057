"""One job: a training and its test, the folder that keeps them, and how far they are."""

import fcntl
import json
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

from talkface.ablate.errors import JobBusyError, NoJobError, OtherJobError

RECORD = "job.json"


@dataclass(frozen=True)
class Job:
    """A training and its test, as arguments of ``talkface``.

    Attributes:
        folder: Where the run is kept; a run folder as ``talkface fit`` makes it, with ``job.json``,
            ``log.txt`` and, once it is trained, ``fit.done``.
        fit: Command line of the training, such as ``("fit", "--config", "grid.yaml")``.
        test: Command line of the test.
        configs: What the configs say, by name.
    """

    folder: Path
    fit: tuple[str, ...]
    test: tuple[str, ...]
    configs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Arm and seed, as in ``grid+l1/seed0``."""
        return f"{self.folder.parent.name}/{self.folder.name}"

    @property
    def log(self) -> Path:
        """What training and test say."""
        return self.folder / "log.txt"

    @property
    def checkpoint(self) -> Path:
        """The weights, written after every epoch."""
        return self.folder / "checkpoints" / "last.ckpt"

    @property
    def fit_done(self) -> Path:
        """Exists once the training is over."""
        return self.folder / "fit.done"

    @property
    def table(self) -> Path:
        """The results; exist once the job is done."""
        return self.folder / "test" / "table.json"

    @property
    def state(self) -> str:
        """How far the job is, in words."""
        if self.table.is_file():
            return "done"
        if self.fit_done.is_file():
            return "to be tested"
        return "to be continued" if self.checkpoint.is_file() else "to be run"

    @property
    def line(self) -> str:
        """A shell command that runs the job from any folder, or does nothing if it is done."""
        command = [sys.executable, "-m", "talkface", "ablate", "--job", str(self.folder)]
        return f"cd {shlex.quote(str(Path.cwd()))} && {shlex.join(command)}"

    def record(self) -> None:
        """Write ``job.json``, from which the job can be run.

        Raises:
            OtherJobError: If the folder has been worked in under other settings.
        """
        self.check()
        self.folder.mkdir(parents=True, exist_ok=True)
        aside = self.folder / f".{RECORD}.part"
        aside.write_text(json.dumps(self._recorded(), indent=1))
        aside.replace(self.folder / RECORD)

    def check(self) -> None:
        """Compare with what the folder was started with, if it was.

        Raises:
            OtherJobError: If the settings differ.
        """
        if not self.log.is_file():
            return
        before = read_job(self.folder)._recorded()
        differences = list(_differences(before, self._recorded()))
        if differences:
            raise OtherJobError(self.folder, differences)

    @contextmanager
    def claimed(self) -> Iterator[IO[bytes]]:
        """Hold the job and open its log, to be written to by what is started meanwhile.

        The lock goes with the open file: a training that outlives this process keeps it.

        Raises:
            JobBusyError: If another process holds it.
        """
        with self.log.open("ab") as log:
            try:
                fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise JobBusyError(self.folder) from error
            yield log

    def _recorded(self) -> dict[str, Any]:
        tree = {"fit": self.fit, "test": self.test, "configs": self.configs}
        recorded: dict[str, Any] = json.loads(json.dumps(tree, default=str))
        return recorded


def read_job(folder: Path) -> Job:
    """The job that a folder was made for.

    Raises:
        NoJobError: If there is none, or it cannot be read.
    """
    path = folder / RECORD
    try:
        tree = json.loads(path.read_text())
        return Job(folder, tuple(tree["fit"]), tuple(tree["test"]), tree["configs"])
    except OSError as error:
        raise NoJobError(path, error.strerror or str(error)) from error
    except (ValueError, KeyError, TypeError) as error:
        raise NoJobError(path, f"not as written: {error}") from error


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for stage in ("fit", "test"):
        if before[stage] != now[stage]:
            was, will = _options(before[stage]), _options(now[stage])
            gone = " ".join(option for option in was if option not in will)
            new = " ".join(option for option in will if option not in was)
            order = "the same settings in another order"
            yield f"{stage}: was `{gone}`, is `{new}`" if gone or new else f"{stage}: {order}"
    for name in before["configs"].keys() & now["configs"].keys():
        then, here = (_flat(tree["configs"][name]) for tree in (before, now))
        changed = sorted(key for key in then | here if then.get(key) != here.get(key))
        if changed:
            yield f"{name} has been edited: {', '.join(changed)}"


def _options(command: Sequence[str]) -> list[str]:
    """Words of a command line, a flag and its values as one."""
    starts = [i for i, word in enumerate(command) if word.startswith("--")]
    return [" ".join(command[a:b]) for a, b in pairwise([0, *starts, len(command)]) if a < b]


def _flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    """A nested dict with dotted keys."""
    if not isinstance(tree, dict) or not tree:
        return {prefix.removesuffix("."): tree}
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= _flat(value, f"{prefix}{key}.")
    return flat
