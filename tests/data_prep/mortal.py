"""Workers that end badly: a module of its own, since other processes must be able to import it."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

from data_prep.job import Outcome


@dataclass(frozen=True)
class Number:
    """A unit of work."""

    value: int

    @property
    def id(self) -> str:
        """Its name."""
        return f"{self.value:03d}"


def pictures(unit: Number) -> Outcome:
    """Say the number; the thirteenth kills the process, numbers from 100 on raise."""
    if unit.value == 13:
        os.kill(os.getpid(), signal.SIGKILL)
    if unit.value >= 100:
        raise OSError(28, "No space left on device")
    return Outcome(unit.id, pictures=unit.value)


def willing() -> Callable[[Number], Outcome]:
    """A worker."""
    return pictures


def kill(unit: Number) -> Outcome:
    """End the process, whatever there is to do."""
    os.kill(os.getpid(), signal.SIGKILL)
    return Outcome(unit.id)


def deadly() -> Callable[[Number], Outcome]:
    """A worker that cannot live."""
    return kill


def see(unit: Number) -> Outcome:
    """Say which GPU there is."""
    return Outcome(pictures(unit).unit, reason=f"GPU {os.environ['CUDA_VISIBLE_DEVICES']}")


def sighted() -> Callable[[Number], Outcome]:
    """A worker with a GPU."""
    return see
