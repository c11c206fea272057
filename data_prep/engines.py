"""Who does the work: the processes of this machine, or others.

An engine gets units and says how each of them went. Units may be done twice, after a loss, and in
any order: they write the same bytes to the same names.
"""

import os
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Protocol

from data_prep.corpora.raw import CorpusError
from data_prep.deadline import blocked_for
from data_prep.job import AnyUnit, Outcome
from data_prep.worker import Start, begin, work

QUEUE = 4
"""Units in flight per worker: enough to keep it busy, few enough to stop at once."""

METHOD = "forkserver"
"""How processes are started: from one that imported everything once, and has no threads."""

ABRUPT = (
    "It ended its worker process, alone and twice (out of memory, or a library crashed or hung)."
)
BLOCKED = (
    "It blocked its worker process, alone and twice, for {} (h:mm:ss) in a library that cannot be "
    "interrupted: longer than `--clip-timeout` allows."
)
GIVE_UP = 3
"""So many units in a row that end their workers: it is the machine, not the units."""


class Engine(Protocol):
    """Does units of work."""

    def outcomes(self, start: Start[AnyUnit], units: Sequence[AnyUnit]) -> Iterator[Outcome]:
        """Outcomes of all units as they come.

        Args:
            start: Makes a worker in a process that is to work; it travels there.
            units: What to do.

        Raises:
            CorpusError: Workers cannot be had, or end abruptly again and again.
            OSError: The output cannot be written.
        """
        ...


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class LocalEngine:
    """Processes of this machine.

    A unit that ends its worker is tried once more, alone, and skipped if it does so again.

    Attributes:
        workers: Processes; 0 works in this one.
    """

    workers: int

    def outcomes(self, start: Start[AnyUnit], units: Sequence[AnyUnit]) -> Iterator[Outcome]:
        """Outcomes of all units as they come."""
        worker = start()  # fails, or downloads, once and here
        if self.workers == 0:
            yield from map(worker, units)
            return
        del worker
        queue = iter(units)
        while suspects := (yield from self._until_broken(start, queue)):
            yield from _one_by_one(start, suspects)

    def _until_broken(
        self, start: Start[AnyUnit], queue: Iterator[AnyUnit]
    ) -> Generator[Outcome, None, list[AnyUnit]]:
        """Work with all processes; returns the units in flight when one of them ended."""
        pending: dict[Future[Outcome], AnyUnit] = {}
        suspects: list[AnyUnit] = []
        with _pool(start, self.workers, Path(os.devnull)) as pool:
            while True:
                for unit in islice(queue, 0 if suspects else QUEUE * self.workers - len(pending)):
                    try:
                        pending[pool.submit(work, unit)] = unit
                    except BrokenProcessPool:
                        suspects.append(unit)
                if not pending:
                    return suspects
                for future in wait(pending, return_when=FIRST_COMPLETED).done:
                    unit = pending.pop(future)
                    try:
                        outcome = future.result()
                    except BrokenProcessPool:
                        suspects.append(unit)
                    else:
                        yield outcome


def _one_by_one(start: Start[AnyUnit], suspects: Sequence[AnyUnit]) -> Iterator[Outcome]:
    """Find those of ``suspects`` that end their worker."""
    rest, in_a_row = deque(suspects), 0
    while rest:
        with _note() as note, _pool(start, 1, note) as pool:
            try:
                while rest:
                    outcome = pool.submit(work, rest[0]).result()
                    rest.popleft()
                    in_a_row = 0
                    yield outcome
            except BrokenProcessPool as error:
                time = blocked_for(note)
                in_a_row += time is None
                if in_a_row == GIVE_UP:
                    raise CorpusError(
                        "Worker processes end abruptly, one after the other (out of memory?). What "
                        "is complete is kept: run the same command again, with fewer `--workers`."
                    ) from error
                reason = BLOCKED.format(time) if time else ABRUPT
                yield Outcome(rest.popleft().id, reason=reason)


@contextmanager
def _note() -> Iterator[Path]:
    """A file in which a watchdog says why it ended a process."""
    with NamedTemporaryFile(prefix="talkface-") as file:
        yield Path(file.name)


@contextmanager
def _pool(start: Start[Any], workers: int, note: Path) -> Iterator[ProcessPoolExecutor]:
    context = get_context(METHOD)
    context.set_forkserver_preload(["data_prep.worker"])
    pool = ProcessPoolExecutor(workers, context, initializer=begin, initargs=(start, note))
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
