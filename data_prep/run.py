"""Running a job: in parallel, resumable, what cannot be used is skipped and listed."""

import fcntl
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tqdm import tqdm

from data_prep.corpora.raw import CorpusError
from data_prep.job import AnyUnit, Job, Made, Outcome
from data_prep.worker import Worker, start, work
from talkface.data.layout import write_aside

LOCK = ".lock"
SETTINGS = "prepare.json"
SKIPPED = "skipped.jsonl"
LEFT_OUT = "left_out.jsonl"
"""Clips that are prepared but in no manifest; a new list of clips is a new start."""

QUEUE = 4
"""Units in flight per worker: enough to keep it busy, few enough to stop at once."""


@dataclass
class Summary:
    """How a run ended.

    Attributes:
        kept: Units that were complete before.
        prepared: Units prepared now.
        skipped: Reason by unit, or by picture.
    """

    kept: int = 0
    prepared: int = 0
    skipped: dict[str, str] = field(default_factory=dict)


def run(job: Job[AnyUnit, Made], units: Sequence[AnyUnit], workers: int) -> Summary:
    """Prepare those of ``units`` that are not complete, with a progress bar.

    The output must be held by ``claimed``.

    Args:
        job: What to do with them.
        units: What to prepare.
        workers: Processes; 0 works in this one.

    Raises:
        CorpusError: A worker ended abruptly.
        LandmarkModelError: The landmark networks cannot be loaded.
        OSError: The output cannot be written.
    """
    todo = [unit for unit in units if not job.is_complete(unit)]
    summary = Summary(kept=len(units) - len(todo))
    name, part = job.counted
    with tqdm(total=len(units), initial=summary.kept, unit=name, smoothing=0.1) as bar:
        pictures = 0
        for outcome in _outcomes(job, todo, workers):
            if outcome.reason is None:
                summary.prepared += 1
            else:
                summary.skipped[outcome.unit] = outcome.reason
            pictures += outcome.pictures
            elapsed = bar.format_dict["elapsed"]
            speed = pictures / elapsed if elapsed else 0.0
            bar.set_postfix_str(f"{speed:.0f} {part}/s, {len(summary.skipped)} skipped", False)
            bar.update()
    return summary


def limited(units: Sequence[AnyUnit], limit: int | None) -> list[AnyUnit]:
    """At most ``limit`` of ``units``, spread over all of them."""
    if limit is None or limit >= len(units):
        return list(units)
    return [units[i * len(units) // limit] for i in range(limit)]


@contextmanager
def claimed(job: Job[Any, Any]) -> Iterator[None]:
    """Hold the output, which has, or will have, units of the same settings only.

    Leftovers of a killed run are removed; another run at the same time is refused.

    Raises:
        CorpusError: The output belongs to other settings, or to another run.
    """
    job.output.mkdir(parents=True, exist_ok=True)
    with locked(job.output):
        _check_settings(job)
        for leftover in job.output.rglob(".*.part"):
            leftover.unlink(missing_ok=True)
        yield


@contextmanager
def locked(output: Path) -> Iterator[None]:
    """Keep others from changing a prepared corpus.

    Raises:
        CorpusError: Another run is at work there.
    """
    with (output / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CorpusError(f"Another preparation is running in {output}.") from error
        yield


def write_skipped(output: Path, skipped: Mapping[str, str]) -> None:
    """List what was skipped, and why."""
    with write_aside(output / SKIPPED) as file:
        for name, reason in skipped.items():
            file.write((json.dumps({"id": name, "reason": reason}) + "\n").encode())


def _check_settings(job: Job[Any, Any]) -> None:
    path, mine = job.output / SETTINGS, job.settings
    if not path.is_file():
        with write_aside(path) as file:
            file.write(json.dumps(mine).encode())
        return
    theirs: dict[str, Any] = json.loads(path.read_text())
    if theirs != mine:
        raise CorpusError(
            f"{job.output} was prepared with {theirs}, now asked for is {mine}. Choose another "
            "`--output`, or delete that folder first."
        )


def _outcomes(job: Job[AnyUnit, Made], todo: Sequence[AnyUnit], workers: int) -> Iterator[Outcome]:
    """Outcomes of all units as they come."""
    if not todo:
        return
    source = job.source()  # fails, or downloads, once and here
    if workers == 0:
        yield from map(Worker(job, source), todo)
        return
    del source
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=start, initargs=(job,))
    try:
        yield from _in_flight(lambda unit: pool.submit(work, unit), todo, QUEUE * workers)
    except BrokenProcessPool as error:
        raise CorpusError(
            "A worker process ended abruptly (out of memory?). What is complete is kept: run the "
            "same command again, with fewer `--workers` if it happens again."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _in_flight(
    submit: Callable[[AnyUnit], Future[Outcome]], units: Iterable[AnyUnit], limit: int
) -> Iterator[Outcome]:
    """Results as they come, with at most ``limit`` units submitted at a time."""
    queue = iter(units)
    pending = {submit(unit) for unit in islice(queue, limit)}
    while pending:
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        pending |= {submit(unit) for unit in islice(queue, len(done))}
        yield from (future.result() for future in done)
