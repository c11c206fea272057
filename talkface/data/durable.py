"""Files that are whole or not there, whatever ends the process, or the machine, meanwhile."""

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_NO_SYNC = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES})
"""What file systems answer that cannot bring a folder to the disk."""


@contextmanager
def write_aside(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file beside ``path`` that takes its name only if all goes well.

    It has the name when the block ends, and keeps it if the power fails then.
    """
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with temporary.open("xb") as file:
            yield file
        settle(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def settle(temporary: Path, path: Path) -> None:
    """Bring a complete file to the disk, then give it its name, then bring the name there."""
    sync_file(temporary)
    temporary.replace(path)
    _sync_folder(path.parent)


def make_folder(folder: Path) -> None:
    """Make a folder and what is missing above it, so that files in it can be found for good."""
    missing = [place for place in (folder, *folder.parents) if not place.is_dir()]
    folder.mkdir(parents=True, exist_ok=True)
    for place in reversed(missing):
        _sync_folder(place.parent)


def sync_file(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    try:
        sync_file(folder)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
