"""How checkpoints reach the disk and come back: whole or not at all, and never running code."""

import errno
import logging
import os
import uuid
import zipfile
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from talkface.cli.checkpoints import read_content
from talkface.data.durable import write_aside

LAST = "last.ckpt"
PREVIOUS = "previous.ckpt"
"""What was ``LAST`` before: the one to go on from if that turns out to be damaged."""

WRITER = "PytorchStreamWriter"
"""What torch's error begins with if a file takes no more bytes."""

log = logging.getLogger(__name__)


class DurableIO(TorchCheckpointIO):
    """Write checkpoints aside, and give them their name once they are on the disk.

    What cannot be written is told, and leaves the older checkpoints as they are.

    Attributes:
        failure: Why the latest checkpoint was not written; None if it was.
    """

    failure: str | None = None

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write it; a full disk is no reason to end a training."""
        path = Path(path)
        try:
            with write_aside(path) as file:
                torch.save(checkpoint, file)
                file.flush()
                if path.name == LAST:
                    _keep(path, path.with_name(PREVIOUS))
            self.failure = None
        except (OSError, RuntimeError) as error:
            reason = _reason(error)
            if reason is None:
                raise
            self.failure = reason
            older = "the one before it stays" if path.is_file() else "there is none yet"
            log.error("%s was not written (%s); %s. Training goes on.", path, reason, older)  # noqa: TRY400

    def load_checkpoint(
        self, path: str | Path, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read tensors and plain values, whatever ``weights_only`` says.

        Raises:
            CheckpointError: If the file is damaged, or holds code.
        """
        return read_content(Path(path), map_location or "cpu")


def newest(folder: Path) -> Path | None:
    """The newest whole checkpoint of a folder; a damaged one is told, and passed over."""
    for name in (LAST, PREVIOUS):
        path = folder / name
        if path.is_file():
            if is_whole(path):
                return path
            log.warning("%s is damaged or was cut short: looking for the one before it.", path)
    return None


def is_whole(path: Path) -> bool:
    """Whether every byte that was written is there, by the check sums of the file."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, EOFError, RuntimeError, ValueError, zipfile.BadZipFile):
        return False


def clean(folder: Path) -> None:
    """Remove what killed processes left half written."""
    for name in (LAST, PREVIOUS):
        for part in folder.glob(f".{name}.*.part"):
            part.unlink(missing_ok=True)


def _keep(path: Path, previous: Path) -> None:
    """Let a file be found by another name, too, at any moment by at least one."""
    if not path.is_file():
        return
    aside = previous.with_name(f".{previous.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        os.link(path, aside)
        aside.replace(previous)
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}:
            raise
        path.replace(previous)  # no links here: for a moment the older one is all there is


def _reason(error: OSError | RuntimeError) -> str | None:
    """Why a disk took no more, in words; None if that is not what happened."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError):
            return cause.strerror or str(cause)
        cause = cause.__cause__ or cause.__context__
    return "the disk took no more bytes" if WRITER in str(error) else None
