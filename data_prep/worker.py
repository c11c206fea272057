"""What runs in the worker processes: one unit at a time, each process with its own detector."""

import errno
import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait
from typing import Any

import torch

from data_prep.faces import LandmarkSource
from data_prep.job import Job, Outcome, Unit

FATAL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE})
"""Errors of the machine, not of the data: they stop the run."""


class Worker:
    """Prepares units of one job, in this process."""

    def __init__(self, job: Job[Any, Any], source: LandmarkSource | None = None) -> None:
        """Load the landmark networks, unless ``source`` is given.

        Raises:
            LandmarkModelError: They cannot be loaded.
        """
        self._job = job
        self._source = source or job.source()

    def __call__(self, unit: Unit) -> Outcome:
        """Prepare and store ``unit``; whatever is wrong with it becomes a reason to skip it."""
        try:
            made = self._job.prepare(unit, self._source)
        except Exception as error:  # one bad clip in 500,000 must not end the run
            return Outcome(unit.id, reason=reason_to_skip(error))
        return self._job.store(made)


def reason_to_skip(error: Exception) -> str:
    """What to say about data that caused ``error``; raises it again if the machine is to blame."""
    if isinstance(error, OSError) and error.errno in FATAL:
        raise error
    return str(error) if isinstance(error, ValueError) else f"{error!r}"


def start(job: Job[Any, Any]) -> None:
    """Make this process a worker with its own detector."""
    settle()
    _workers.append(Worker(job))


def settle() -> None:
    """Make this process a helper: one thread, deaf to interrupts, no life without its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)


def work(unit: Unit) -> Outcome:
    """Prepare one unit in a process that ``start`` made a worker."""
    return _workers[-1](unit)


_workers: list[Worker] = []


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
