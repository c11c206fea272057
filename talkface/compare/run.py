"""Scoring many clips: in parallel, going on where an earlier run stopped."""

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing import connection, get_context
from typing import NamedTuple

import torch

from talkface.compare.errors import WorkerError
from talkface.compare.folders import Clip
from talkface.compare.scorer import COPY, TRUTH, Scorer
from talkface.compare.scores import Score, Store

QUEUE = 2
"""Clips in flight per worker."""

PATIENCE = 5.0
"""Seconds between two messages about progress."""

log = logging.getLogger(__name__)


class Unit(NamedTuple):
    """What one worker does at a time: the rows of a clip that have no score yet."""

    clip: Clip
    rows: tuple[str, ...]


def score_all(clips: Sequence[Clip], store: Store, workers: int) -> list[Score]:
    """Scores of all videos of ``clips``; those that are kept from before are not made again.

    Args:
        clips: What to score.
        store: Keeps scores as they are made.
        workers: Processes; 0 works in this one.

    Raises:
        WorkerError: A worker ended abruptly.
        LandmarkModelError: The landmark backend cannot be built.
        KeyboardInterrupt: At once, when the user interrupts; what is finished is kept.
    """
    scores: dict[tuple[str, str], Score | None] = {}
    for clip in clips:
        for row in (TRUTH, COPY, *clip.videos):
            scores[clip.name, row] = store.read(clip, row)
    todo = [Unit(clip, _missing(scores, clip)) for clip in clips]
    todo = [unit for unit in todo if unit.rows]
    kept = sum(score is not None for score in scores.values())
    if kept:
        log.info("%d of %d scores are kept from before.", kept, len(scores))
    if todo:
        for score in _logged(_made(todo, store, workers), len(todo)):
            scores[score.clip, score.row] = score
    return [score for score in scores.values() if score is not None]


def _missing(scores: dict[tuple[str, str], Score | None], clip: Clip) -> tuple[str, ...]:
    return tuple(r for r in (TRUTH, COPY, *clip.videos) if scores[clip.name, r] is None)


def _logged(results: Iterator[list[Score]], total: int) -> Iterator[Score]:
    """The scores of every clip as they come, with a message now and then."""
    start = told = time.monotonic()
    refused = 0
    for done, scores in enumerate(results, 1):
        refused += sum(score.refused is not None for score in scores)
        now = time.monotonic()
        if now - told > PATIENCE or done == total:
            told = now
            pace = 60 * done / max(now - start, 1e-3)
            log.info("%d of %d clips, %.1f clips/min, %d refused", done, total, pace, refused)
        yield from scores


def _made(todo: Sequence[Unit], store: Store, workers: int) -> Iterator[list[Score]]:
    """Scores of every unit as they come."""
    scorer = Scorer(store.settings)  # fails, or downloads, once and here
    if not workers:
        with _one_thread():
            yield from (work_here(unit, scorer, store) for unit in todo)
        return
    del scorer
    others = set(multiprocessing.active_children())
    context = get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=start_worker, initargs=(store,))
    try:
        yield from _in_flight(pool, todo, QUEUE * workers)
    except BrokenProcessPool as error:
        raise WorkerError from error
    except BaseException:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()  # a clip takes long, and half of one leaves nothing behind
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _in_flight(
    pool: ProcessPoolExecutor, units: Sequence[Unit], limit: int
) -> Iterator[list[Score]]:
    """Results as they come, with at most ``limit`` units submitted at a time."""
    queue = iter(units)
    pending: set[Future[list[Score]]] = {pool.submit(work, unit) for unit in islice(queue, limit)}
    while pending:
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        pending |= {pool.submit(work, unit) for unit in islice(queue, len(done))}
        yield from (future.result() for future in done)


def work_here(unit: Unit, scorer: Scorer, store: Store) -> list[Score]:
    """Score one unit and keep what is found."""
    scores = []
    for score, tiles in scorer(unit.clip, unit.rows):
        store.write(unit.clip, score, tiles)
        scores.append(score)
    return scores


def start_worker(store: Store) -> None:
    """Make this process a worker: one thread, its own networks, no life without its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    _workers.append((Scorer(store.settings), store))


def work(unit: Unit) -> list[Score]:
    """Score one unit in a process that ``start_worker`` made a worker."""
    return work_here(unit, *_workers[-1])


_workers: list[tuple[Scorer, Store]] = []


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


@contextmanager
def _one_thread() -> Iterator[None]:
    """As many threads as a worker has: sums, and so figures, are then the same to the last bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
