"""Jobs run here: one after the other or several at a time, going on where they stopped."""

import logging
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from queue import SimpleQueue
from typing import IO

from talkface.ablate.errors import AblationError, JobsFailedError, StageError
from talkface.ablate.job import Job
from talkface.ablate.processes import Processes, interruptible

log = logging.getLogger(__name__)

LAST = 5
"""Lines of a log that an error shows."""

READ = 10_000
"""Bytes at the end of a log among which they are looked for."""


def run_jobs(jobs: Sequence[Job], slots: Sequence[str | None] = (None,)) -> None:
    """Finish all jobs; one that fails does not end the others.

    Args:
        jobs: What to run. What is done already stays as it is.
        slots: GPUs of each of the jobs that run at a time, as ``CUDA_VISIBLE_DEVICES`` has them;
            None for all that there are.

    Raises:
        JobsFailedError: At the end, if jobs failed; says which and why.
        KeyboardInterrupt: If the user, or the system, wants to end; what was under way has ended.
    """
    processes, free = Processes(), _queue(slots)
    failed: dict[str, Exception] = {}
    pool = ThreadPoolExecutor(len(slots))
    with interruptible():
        try:
            tries = {pool.submit(_on_a_slot, job, processes, free): job for job in jobs}
            for ended in as_completed(tries):
                error = ended.exception()
                if isinstance(error, AblationError | OSError):
                    failed[tries[ended].name] = error
                    log.error("%s failed: %s", tries[ended].name, error)
                elif error is not None:
                    raise error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            processes.stop()
            pool.shutdown()
    if failed:
        named = [(job.name, failed[job.name]) for job in jobs if job.name in failed]
        raise JobsFailedError(named, len(jobs))


def run_job(job: Job, processes: Processes, gpus: str | None = None) -> None:
    """Train, unless that is done; test, unless that is done.

    Args:
        job: What to do.
        processes: Starts the two.
        gpus: The GPUs to be seen, None for all.

    Raises:
        JobBusyError: If another process works on it.
        StageError: If training or test fails.
        StoppedError: If ``processes`` was stopped.
    """
    env = environment(gpus)
    with job.claimed() as output:
        if job.table.is_file():
            log.info("%s: done before.", job.name)
            return
        begin = time.monotonic()
        if not job.fit_done.is_file():
            goes_on = ("--ckpt_path", str(job.checkpoint)) if job.checkpoint.is_file() else ()
            log.info("%s: training%s, see %s", job.name, " goes on" * bool(goes_on), job.log)
            _stage(job, (*job.fit, *goes_on), processes, output, env)
            job.fit_done.touch()
        log.info("%s: test", job.name)
        _stage(job, job.test, processes, output, env)
        if not job.table.is_file():
            raise StageError("test", f"wrote no {job.table}", job.log, last_lines(job))
        log.info("%s: done in %.1f minutes.", job.name, (time.monotonic() - begin) / 60)


def environment(gpus: str | None) -> dict[str, str]:
    """Variables of a training: those of this process, and the GPUs it may see.

    A training starts its other ranks itself. Lightning would wait for SLURM to do so if it saw the
    number of tasks.
    """
    env = {name: value for name, value in os.environ.items() if name != "SLURM_NTASKS"}
    return env if gpus is None else {**env, "CUDA_VISIBLE_DEVICES": gpus}


def last_lines(job: Job) -> list[str]:
    """The end of what training and test of a job said."""
    with job.log.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - READ))
        text = file.read().decode(errors="replace")
    return [line.strip() for line in text.splitlines() if line.strip()][-LAST:]


def _on_a_slot(job: Job, processes: Processes, free: "SimpleQueue[str | None]") -> None:
    gpus = free.get()
    try:
        run_job(job, processes, gpus)
    finally:
        free.put(gpus)


def _stage(
    job: Job, args: Sequence[str], processes: Processes, output: IO[bytes], env: dict[str, str]
) -> None:
    status = processes.call([sys.executable, "-m", "talkface", *args], output, env)
    if status != 0:
        reason = f"ended with status {status}" if status > 0 else f"was ended by signal {-status}"
        raise StageError(args[0], reason, job.log, last_lines(job))


def _queue(slots: Sequence[str | None]) -> "SimpleQueue[str | None]":
    queue: SimpleQueue[str | None] = SimpleQueue()
    for slot in slots:
        queue.put(slot)
    return queue
