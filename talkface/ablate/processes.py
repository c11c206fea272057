"""Processes that end with the one that started them."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO

GRACE = 20.0
"""Seconds that an interrupted process has to end by itself; schedulers often wait 30."""

SIGNALS = (signal.SIGTERM, signal.SIGHUP)
"""End a run as Ctrl-C does."""


class StoppedError(RuntimeError):
    """Nothing is started any more, as the user wants to end."""


class Processes:
    """Starts processes, each in a group of its own, and can end all that are under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: list[subprocess.Popen[bytes]] = []
        self._stopped = False

    def call(self, command: Sequence[str], log: IO[bytes], env: Mapping[str, str]) -> int:
        """Run a command to its end; from any thread.

        Args:
            command: The command.
            log: Takes what the command says.
            env: Its variables.

        Returns:
            Its exit status; negative for the signal that ended it.

        Raises:
            StoppedError: If ``stop`` was called before it was started, or while it ran.
        """
        with self._lock:
            if self._stopped:
                raise StoppedError
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=env,
                start_new_session=True,
            )
            self._running.append(process)
        status = process.wait()
        with self._lock:
            self._running.remove(process)
            if self._stopped:
                raise StoppedError
        return status

    def stop(self) -> None:
        """Interrupt what is under way, then end what is left of it, and start nothing more."""
        with self._lock:
            self._stopped, running = True, list(self._running)
        try:
            for process in running:
                process.send_signal(signal.SIGINT)  # Lightning ends its other ranks, too
            deadline = time.monotonic() + GRACE
            for process in running:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, deadline - time.monotonic()))
        finally:  # a second Ctrl-C comes here at once
            for process in running:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let a request to end, or a lost terminal, raise ``KeyboardInterrupt`` as Ctrl-C does.

    A signal that the caller ignores, as ``nohup`` does, stays ignored.
    """
    before = {one: signal.getsignal(one) for one in SIGNALS}
    heeded = [one for one, handler in before.items() if handler != signal.SIG_IGN]
    for one in heeded:
        signal.signal(one, signal.default_int_handler)
    try:
        yield
    finally:
        for one in heeded:
            signal.signal(one, before[one])
