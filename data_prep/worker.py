"""What runs in the worker processes: one unit at a time, each process with its own detector."""

import errno
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from data_prep.corpora.raw import CorpusError
from data_prep.deadline import DeadlineError, deadline, expendable
from data_prep.job import SETTINGS, AnyUnit, Job, Outcome, Unit
from data_prep.processes import settle

FATAL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE})
"""Errors of the machine, not of the data: they stop the run."""

Start: TypeAlias = Callable[[], Callable[[AnyUnit], Outcome]]
"""Makes what does the units, in the process that is to do them."""


class Worker:
    """Prepares units of one job, in this process."""

    def __init__(self, job: Job[Any, Any]) -> None:
        """Load the landmark networks.

        Raises:
            CorpusError: This machine does not see the output.
            LandmarkModelError: They cannot be loaded.
        """
        if not (job.output / SETTINGS).is_file():
            raise unseen(job.output)
        self._job = job
        self._source = job.source()

    def __call__(self, unit: Unit) -> Outcome:
        """Prepare and store ``unit``; whatever is wrong with it becomes a reason to skip it."""
        try:
            with deadline(self._job.timeout):
                made = self._job.prepare(unit, self._source)
        except (Exception, DeadlineError) as error:  # one bad clip in 500,000 must not end the run
            return Outcome(unit.id, reason=reason_to_skip(error))
        try:
            return self._store(made)
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            return Outcome(unit.id, reason="Its name is too long for a file of the output.")

    def _store(self, made: Any) -> Outcome:
        try:
            return self._job.store(made)
        except FileNotFoundError:  # a run that starts took the unfinished file for a leftover
            return self._job.store(made)


def reason_to_skip(error: BaseException) -> str:
    """What to say, in one line, about data that caused ``error``.

    Raises:
        OSError: It is the machine that is to blame.
    """
    if isinstance(error, OSError) and error.errno in FATAL:
        raise error
    if isinstance(error, OSError) and error.strerror:
        said = f"{error.filename or 'A file'} cannot be read ({error.strerror})."
    elif isinstance(error, MemoryError):
        said = f"It does not fit into memory ({error or 'no more is told'})."
    else:
        said = str(error) if isinstance(error, ValueError | DeadlineError) else f"{error!r}"
    return " ".join(said.split())


def unseen(output: Path) -> CorpusError:
    """The error of a machine without the output, to be raised."""
    return CorpusError(
        f"{output} is not there on {socket.gethostname()}. All machines must share it, and see it "
        "under the same path."
    )


def begin(start: Start[Any], note: Path) -> None:
    """Make this process a worker, which may be ended if a clip blocks it; see ``expendable``."""
    settle()
    expendable(note)
    _starts.append(start)


def work(unit: Unit) -> Outcome:
    """Do one unit in a process that ``begin`` made a worker."""
    if not _workers:  # here, not in `begin`: what is raised there only says that the pool broke
        _workers.append(_starts[-1]())
    return _workers[-1](unit)


_starts: list[Start[Any]] = []
_workers: list[Callable[[Any], Outcome]] = []
