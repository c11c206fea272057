"""A raw corpus to a prepared one: in parallel, resumable, bad clips skipped and listed."""

import dataclasses
import fcntl
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context
from typing import Any

from tqdm import tqdm

from data_prep.corpora.raw import CorpusError, RawClip
from data_prep.faces import landmark_source
from data_prep.splits import Holdout, assign_splits
from data_prep.worker import Job, Outcome, Worker, start, work
from talkface.data.layout import (
    ClipRecord,
    Corpus,
    is_complete,
    read_record,
    write_aside,
    write_corpus,
)

LOCK = ".lock"
SETTINGS = "prepare.json"
SKIPPED = "skipped.jsonl"
QUEUE = 4
"""Clips in flight per worker: enough to keep it busy, few enough to stop at once."""

logger = logging.getLogger(__name__)

Task = tuple[RawClip, str]


@dataclass
class Summary:
    """How a run ended.

    Attributes:
        kept: Clips that were complete before.
        prepared: Clips prepared now.
        skipped: Reason by clip.
    """

    kept: int = 0
    prepared: int = 0
    skipped: dict[str, str] = field(default_factory=dict)


def build(job: Job, holdout: Holdout, *, workers: int = 2, limit: int | None = None) -> Summary:
    """Prepare the corpus of ``job``, going on where an earlier run stopped.

    Args:
        job: What to prepare, whereto, and how.
        holdout: The split, where the corpus has no official one.
        workers: Processes; 0 works in this one.
        limit: Take so many clips, spread over the corpus, or all.

    Raises:
        CorpusError: Nothing to prepare, or the output belongs to other settings.
        LandmarkModelError: The landmark networks cannot be loaded.
        OSError: The output cannot be written.
    """
    clips = _limited(job.corpus.clips(), limit)
    splits = assign_splits(clips, holdout)
    with _claimed(job):
        todo = [(clip, splits[clip.id]) for clip in clips if not is_complete(job.output, clip.id)]
        summary = Summary(kept=len(clips) - len(todo))
        _prepare(job, todo, summary, workers)
        _finish(job, clips, splits, summary)
    return summary


def _prepare(job: Job, todo: Sequence[Task], summary: Summary, workers: int) -> None:
    """Prepare the clips ``todo``, with a progress bar, and count them in ``summary``."""
    total = summary.kept + len(todo)
    with tqdm(total=total, initial=summary.kept, unit="clip", smoothing=0.1) as bar:
        frames = 0
        for outcome in _outcomes(job, todo, workers):
            if outcome.reason is None:
                summary.prepared += 1
            else:
                summary.skipped[outcome.clip] = outcome.reason
            frames += outcome.frames
            elapsed = bar.format_dict["elapsed"]
            speed = frames / elapsed if elapsed else 0.0
            bar.set_postfix_str(f"{speed:.0f} frames/s, {len(summary.skipped)} skipped", False)
            bar.update()


def _limited(clips: Sequence[RawClip], limit: int | None) -> list[RawClip]:
    if limit is None or limit >= len(clips):
        return list(clips)
    return [clips[i * len(clips) // limit] for i in range(limit)]


@contextmanager
def _claimed(job: Job) -> Iterator[None]:
    """Hold the output, which has, or will have, clips of the same settings only.

    Leftovers of a killed run are removed; another run at the same time is refused.
    """
    job.output.mkdir(parents=True, exist_ok=True)
    with (job.output / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CorpusError(f"Another preparation is running in {job.output}.") from error
        _check_settings(job)
        for leftover in job.output.rglob(".*.part"):
            leftover.unlink(missing_ok=True)
        yield


def _check_settings(job: Job) -> None:
    path = job.output / SETTINGS
    mine = {"corpus": job.corpus.name, "side": job.side, "landmarks": job.landmarks}
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


def _outcomes(job: Job, todo: Sequence[Task], workers: int) -> Iterator[Outcome]:
    """Outcomes of all clips as they come."""
    if not todo:
        return
    source = landmark_source(job.landmarks, job.task)  # fails, or downloads, once and here
    if workers == 0:
        yield from (Worker(job, source)(clip, split) for clip, split in todo)
        return
    del source
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=start, initargs=(job,))
    try:
        yield from _in_flight(lambda task: pool.submit(work, *task), todo, QUEUE * workers)
    except BrokenProcessPool as error:
        raise CorpusError(
            "A worker process ended abruptly (out of memory?). Complete clips are kept: run the "
            "same command again, with fewer `--workers` if it happens again."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _in_flight(
    submit: Callable[[Task], Future[Outcome]], tasks: Iterable[Task], limit: int
) -> Iterator[Outcome]:
    """Results as they come, with at most ``limit`` tasks submitted at a time."""
    queue = iter(tasks)
    pending = {submit(task) for task in islice(queue, limit)}
    while pending:
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        pending |= {submit(task) for task in islice(queue, len(done))}
        yield from (future.result() for future in done)


def _finish(job: Job, clips: Sequence[RawClip], splits: dict[str, str], summary: Summary) -> None:
    """Write what was skipped, the manifests, and last the corpus."""
    with write_aside(job.output / SKIPPED) as file:
        for name, reason in summary.skipped.items():
            file.write((json.dumps({"id": name, "reason": reason}) + "\n").encode())
    records: list[ClipRecord] = []
    for clip in clips:
        if clip.id not in summary.skipped:
            record = read_record(job.output, clip.id)
            records.append(dataclasses.replace(record, split=splits[clip.id]))
    if not records:
        return
    words = tuple(sorted({span.word for record in records for span in record.words}))
    write_corpus(job.output, Corpus(job.corpus.name, job.side, words), records)
