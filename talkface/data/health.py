"""What goes wrong while windows are read: damaged clips, and workers that die or hang."""

import logging
import os
from collections.abc import Sequence

import torch
from torch.utils.data import get_worker_info

from talkface.data.records import LayoutError

logger = logging.getLogger(__name__)

LISTED = 20
"""Clips named in a message."""

SLOTS = 1024
"""Workers whose present clip is remembered; others share a slot."""


class TooManySkipsError(ValueError):
    """More clips are damaged than a training may do without."""


class WorkerError(RuntimeError):
    """A process that reads windows died, or does not answer."""


class Health:
    """Which clips were skipped, and what each worker is reading; shared by all of them.

    Args:
        clips: Number of clips.
        max_skips: Damaged clips to do without.
    """

    def __init__(self, clips: int, max_skips: int) -> None:
        self.max_skips = max_skips
        self._damaged = torch.zeros(clips, dtype=torch.uint8).share_memory_()  # a byte per clip
        self._reading = torch.full((SLOTS,), -1).share_memory_()

    @property
    def skipped(self) -> list[int]:
        """Clips found damaged so far, by any worker, each once."""
        places: list[int] = self._damaged.nonzero().flatten().tolist()
        return places

    def begin(self, clip: int) -> None:
        """Remember that this worker reads a clip now; -1 when it is done."""
        worker = get_worker_info()
        self._reading[0 if worker is None else worker.id % SLOTS] = clip

    def skip(self, clip: int, names: Sequence[str], error: LayoutError) -> None:
        """Count and name a damaged clip.

        Args:
            clip: Its place in ``names``.
            names: Names of all clips.
            error: What is wrong with it.

        Raises:
            TooManySkipsError: If there are more than ``max_skips``.
        """
        if not self._damaged[clip]:
            self._damaged[clip] = 1
            count = len(self.skipped)
            logger.warning(
                "Skipped clip %r (%d of at most %d): %s", names[clip], count, self.max_skips, error
            )
        if len(skipped := self.skipped) > min(self.max_skips, len(names) - 1):  # or none is left
            shown = ", ".join(names[i] for i in skipped[:LISTED])
            more = f" and {len(skipped) - LISTED} more" if len(skipped) > LISTED else ""
            raise TooManySkipsError(
                f"{len(skipped)} clips are damaged: {shown}{more}. The last one: {error} Prepare "
                f"them again, or raise `data.max_skips`, which is {self.max_skips}."
            ) from error

    def busy(self, workers: int) -> dict[int, int]:
        """Clips that are being read, by worker."""
        reading: list[int] = self._reading[:workers].tolist()
        return {worker: clip for worker, clip in enumerate(reading) if clip >= 0}


def worker_error(
    error: Exception, exits: dict[int, int | None], busy: dict[int, str], timeout: float | int
) -> WorkerError:
    """What to say about a ``DataLoader`` that gave up.

    Args:
        error: Its own words.
        exits: Exit status by worker, None while it lives.
        busy: Clip that a worker is reading.
        timeout: Seconds that it waited.
    """
    dead = {worker: status for worker, status in exits.items() if status}
    reading = [f"worker {worker} was reading clip {clip!r}" for worker, clip in busy.items()]
    where = f" ({'; '.join(reading)})" if reading else ""
    if "timed out" in str(error) and not dead:
        return WorkerError(
            f"No batch for {timeout:g} s{where}. The disk or the network hangs, or the machine is "
            f"too busy: look at `dmesg` and at pid {os.getpid()}, or raise `data.timeout`; resume "
            "from the last checkpoint."
        )
    how = ", ".join(
        f"worker {worker} by signal {-status}" if status < 0 else f"worker {worker}: {status}"
        for worker, status in dead.items()
    )
    told = f" ({how})" if how else ""
    return WorkerError(
        f"A process reading windows died{told}{where}: {error or type(error).__name__}. Signal 9 "
        "is mostly a lack of memory, 7 one of /dev/shm: use fewer `data.workers`. Resume from the "
        "last checkpoint."
    )
