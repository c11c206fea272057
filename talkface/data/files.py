"""Where the files of a clip lie: each on its own in a folder, or packed into shards."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol, runtime_checkable

from talkface.data.records import ClipRecord, LayoutError, damaged
from talkface.data.shards import INDEX, ShardFiles, check_tars

Span = tuple[int, int]


@runtime_checkable
class ClipFiles(Protocol):
    """The stored files of all clips of a corpus, by name of the clip and suffix."""

    def check(self, records: Sequence[ClipRecord]) -> None:
        """Look whether what holds ``records`` is there at all, as far as that is cheap."""
        ...

    def has(self, clip: str) -> bool:
        """Whether everything of a clip is stored."""
        ...

    def read(self, clip: str, suffix: str) -> bytes:
        """A whole file."""
        ...

    def read_spans(self, clip: str, suffix: str, spans: Sequence[Span]) -> list[bytes]:
        """Parts of a file, from the first byte to before the second."""
        ...

    def damage(self, clip: str, suffix: str, reason: object) -> LayoutError:
        """The error for a file whose content makes no sense, to be raised."""
        ...


class FolderFiles:
    """Files on their own, under ``ROOT/clips``.

    Args:
        root: Folder of the corpus.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def check(self, records: Sequence[ClipRecord]) -> None:
        """Nothing is cheap here."""

    def has(self, clip: str) -> bool:
        """Whether the record is there, which is written last."""
        return clip_file(self.root, clip, "json").is_file()

    def read(self, clip: str, suffix: str) -> bytes:
        """A whole file.

        Raises:
            LayoutError: If it is missing.
        """
        path = clip_file(self.root, clip, suffix)
        try:
            return path.read_bytes()
        except OSError as error:
            raise damaged(path, error) from error

    def read_spans(self, clip: str, suffix: str, spans: Sequence[Span]) -> list[bytes]:
        """Parts of a file.

        Raises:
            LayoutError: If it is missing or too short.
        """
        path, parts = clip_file(self.root, clip, suffix), []
        try:
            with path.open("rb") as file:
                for start, stop in spans:
                    file.seek(start)
                    parts.append(file.read(stop - start))
        except (OSError, ValueError) as error:
            raise damaged(path, error) from error
        for part, (start, stop) in zip(parts, spans, strict=True):
            if len(part) < stop - start:
                raise damaged(path, f"it ends within bytes {start} to {stop}")
        return parts

    def damage(self, clip: str, suffix: str, reason: object) -> LayoutError:
        """The error for a file whose content makes no sense."""
        return damaged(clip_file(self.root, clip, suffix), reason)


def clip_files(root: Path) -> ClipFiles:
    """The files of a corpus, whichever way they are stored.

    Raises:
        ShardError: If there are shards, but no index of them, or a damaged one.
    """
    try:
        stamp = (root / INDEX).stat()
    except FileNotFoundError:
        if not (root / "clips").is_dir():
            check_tars(root)
        return FolderFiles(root)
    return _shard_files(root, stamp.st_mtime_ns, stamp.st_size)


def clip_file(root: Path, clip: str, suffix: str) -> Path:
    """Path of a file of a clip that is stored on its own.

    Raises:
        LayoutError: If ``clip`` would leave the folder.
    """
    if not clip or ".." in Path(clip).parts or Path(clip).is_absolute():
        raise LayoutError(f"{clip!r} cannot name a clip. Use a relative path without `..`.")
    return root / "clips" / f"{clip}.{suffix}"


@lru_cache(maxsize=8)
def _shard_files(root: Path, changed: int, size: int) -> ShardFiles:
    """Read an index once per process; ``changed`` and ``size`` tell a new one from an old one."""
    del changed, size
    return ShardFiles(root)
