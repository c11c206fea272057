"""What runs in the worker processes: one clip at a time, each process with its own detector."""

import errno
import multiprocessing
import os
import signal
import threading
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path

import torch

from data_prep.clip import prepare_clip
from data_prep.corpora.raw import RawClip, RawCorpus
from data_prep.faces import LandmarkSource, landmark_source
from talkface.data.layout import write_clip

FATAL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE})
"""Errors of the machine, not of the clip: they stop the run."""


@dataclass(frozen=True)
class Job:
    """What all clips of a run share; travels to the workers.

    Attributes:
        corpus: The corpus that annotates.
        output: Folder of the prepared corpus.
        side: Side S of the crops in pixels.
        landmarks: One of ``data_prep.faces.SOURCES``.
        task: Model file of MediaPipe.
    """

    corpus: RawCorpus
    output: Path
    side: int
    landmarks: str
    task: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """How it went with a clip.

    Attributes:
        clip: Its id.
        frames: Frames prepared.
        reason: Why it was skipped, or None.
    """

    clip: str
    frames: int = 0
    reason: str | None = None


class Worker:
    """Prepares clips of one job, in this process."""

    def __init__(self, job: Job, source: LandmarkSource | None = None) -> None:
        """Load the landmark networks, unless ``source`` is given.

        Raises:
            LandmarkModelError: They cannot be loaded.
        """
        self._job = job
        self._source = source or landmark_source(job.landmarks, job.task)

    def __call__(self, clip: RawClip, split: str) -> Outcome:
        """Prepare and store ``clip``; whatever is wrong with it becomes a reason to skip it."""
        job = self._job
        try:
            prepared = prepare_clip(job.corpus, clip, self._source, side=job.side, split=split)
        except Exception as error:  # one bad clip in 500,000 must not end the run
            if isinstance(error, OSError) and error.errno in FATAL:
                raise
            known = isinstance(error, ValueError)
            return Outcome(clip.id, reason=str(error) if known else f"{error!r}")
        write_clip(job.output, prepared)
        return Outcome(clip.id, frames=prepared.record.frames)


def start(job: Job) -> None:
    """Make this process a worker: one thread, its own detector, no life without its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    _workers.append(Worker(job))


def work(clip: RawClip, split: str) -> Outcome:
    """Prepare one clip in a process that ``start`` made a worker."""
    return _workers[-1](clip, split)


_workers: list[Worker] = []


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
