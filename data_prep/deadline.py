"""A limit on the time that one clip may take.

A signal interrupts Python, also while it waits for the system. Native code that never returns to
Python notices no signal: there a watchdog, which needs no Python, ends the process, where an
engine has said that it replaces it.
"""

import faulthandler
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

AGAIN = 1.0
"""Seconds after which the signal is repeated: an error within a finalizer is lost."""

PATIENCE = 2
"""After so many times the limit the process is ended."""


class DeadlineError(BaseException):
    """A clip takes too long; no ``except Exception`` of a library may take it for its own."""


def expendable(note: Path) -> None:
    """Let a watchdog end this process when a clip blocks it; it leaves a trace in ``note``."""
    _notes.append(note.open("a"))


def blocked_for(note: Path) -> str | None:
    """How long a clip blocked its process (hours:minutes:seconds) until the watchdog ended it."""
    found = re.match(r"Timeout \((.+)\)!", note.read_text(errors="replace"))
    return found[1] if found else None


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Limit the time of what is done inside; 0 for no limit.

    Only the main thread can be interrupted; a timer of the caller goes on afterwards.

    Raises:
        DeadlineError: It takes longer.
    """
    if not seconds:
        yield
        return
    if _notes:
        faulthandler.dump_traceback_later(PATIENCE * seconds, exit=True, file=_notes[-1])
    try:
        if threading.current_thread() is threading.main_thread():
            with _alarm(seconds):
                yield
        else:
            yield
    finally:
        if _notes:
            faulthandler.cancel_dump_traceback_later()


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise DeadlineError(f"It takes longer than {seconds:g} s, the limit by `--clip-timeout`.")

    handler, began = signal.signal(signal.SIGALRM, ring), time.monotonic()
    left, every = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:
            signal.setitimer(
                signal.ITIMER_REAL, max(left - (time.monotonic() - began), 1e-3), every
            )


_notes: list[IO[str]] = []
