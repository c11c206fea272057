"""One run at a time on one output: two on this machine, or on two that share a folder.

A lock of the kernel ends with its process, but not every shared file system passes it on to other
machines. So the owner also writes a file, and writes it again as long as it lives. Who finds the
file of another machine watches it: a living owner changes it, a dead one does not. No clocks are
compared.

Should two runs work at once all the same, for a moment, they write the same bytes to the same
names.
"""

import errno
import fcntl
import json
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from data_prep.corpora.raw import CorpusError
from talkface.data.durable import make_folder, write_aside

LOCK = ".lock"
OWNER = ".owner.json"
LEFTOVERS = ".*.part*"

BEAT = 10.0
"""Seconds between two signs of life."""

WATCH = 90.0
"""Seconds without one after which an owner is dead; file systems may show old files for 60."""

_NO_LOCKS = frozenset({errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EINVAL})

logger = logging.getLogger("data_prep")


class Claim:
    """A claim on a folder, renewed by a thread while it is held.

    Args:
        output: The folder.
    """

    def __init__(self, output: Path) -> None:
        self._output, self._token, self._lost = output, uuid.uuid4().hex, False
        self._beats, self._done = 0, threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)

    def check(self) -> None:
        """Make sure that the claim still holds.

        Raises:
            CorpusError: Another run took the folder, which two must have found free at once.
        """
        if self._lost:
            raise _taken(self._output, _owner(self._output))

    def start(self) -> None:
        """Sign, and go on signing."""
        self._sign()
        self._thread.start()

    def end(self) -> None:
        """Leave the folder to others."""
        self._done.set()
        self._thread.join()
        if not self._lost:
            (self._output / OWNER).unlink(missing_ok=True)

    def _sign(self) -> None:
        who = {"token": self._token, "node": this_machine(), "process": os.getpid()}
        with write_aside(self._output / OWNER) as file:
            file.write(json.dumps(who | {"beat": self._beats}).encode())
        self._beats += 1

    def _renew(self) -> None:
        while not self._done.wait(BEAT):
            with suppress(OSError):  # a full disk stops the run where it writes
                owner = _owner(self._output)
                if owner and owner.get("token") != self._token:
                    self._lost = True
                    return
                self._sign()


@contextmanager
def claim(output: Path) -> Iterator[Claim]:
    """Hold a folder, made if need be, and remove what a killed run left half-written.

    Raises:
        CorpusError: Another run holds it.
        OSError: It cannot be written.
    """
    make_folder(output)
    with (output / LOCK).open("w") as lock:
        locked, owner = _lock(lock, output), _owner(output)
        if owner and not (locked and owner.get("node") == this_machine()):
            _watch(output, owner)
        for leftover in output.glob(f".{OWNER}.*"):  # before there is one of ours
            leftover.unlink(missing_ok=True)
        held = Claim(output)
        held.start()
        try:
            for leftover in output.rglob(LEFTOVERS):
                if not leftover.name.startswith(f".{OWNER}."):
                    leftover.unlink(missing_ok=True)
            yield held
        finally:
            held.end()


def _lock(lock: IO[str], output: Path) -> bool:
    """Whether the kernel gave the lock; False where the file system knows none."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise _taken(output, _owner(output)) from error
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return False
    return True


def _watch(output: Path, owner: dict[str, Any]) -> None:
    """Wait until ``owner`` must be dead, or has left."""
    logger.info(
        "%s was left by %s without a word: watching for %.0f s whether it lives.",
        *(output, _name(owner), WATCH),
    )
    end = time.monotonic() + WATCH
    while time.monotonic() < end:
        time.sleep(WATCH / 30)
        now = _owner(output)
        if now is None:
            return
        if now != owner:
            raise _taken(output, now)


def _owner(output: Path) -> dict[str, Any] | None:
    """What the last owner signed, or None if it left."""
    try:
        sign = json.loads((output / OWNER).read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}
    return sign if isinstance(sign, dict) else {}


def this_machine() -> str:
    """This machine, since it was started."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    return f"{socket.gethostname()} {boot.read_text().strip() if boot.is_file() else ''}".strip()


def _name(owner: dict[str, Any]) -> str:
    host = str(owner.get("node", "another machine")).partition(" ")[0]
    return f"process {owner.get('process', '?')} on {host}"


def _taken(output: Path, owner: dict[str, Any] | None) -> CorpusError:
    who = f" ({_name(owner)})" if owner else ""
    return CorpusError(
        f"Another preparation is running in {output}{who}. Wait until it ends, or stop it."
    )
