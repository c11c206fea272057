"""Clips packed into a few large tar files, for clusters and object stores; any window by seeking.

::

    ROOT/corpus.json, {train,val,test}.jsonl    as in a folder of clips
    ROOT/{train,val,test}-000000.tar            members ID.jpgs, ID.npz, ID.json of each clip
    ROOT/shards.npz                             where each member lies

The tars are plain ones, in the form of WebDataset: the members of a clip are neighbours and share
a name up to the first dot, so dots in the name of a clip are written as ``%2E``. Clips lie in a
random order, for those who read the tars from beginning to end.
"""

import hashlib
import os
import tarfile
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Int32, Int64, UInt64

from talkface.data.records import ClipRecord, LayoutError

INDEX = "shards.npz"
SUFFIXES = ("jpgs", "npz", "json")
"""Members of a clip, in their order."""

HEADER = tarfile.BLOCKSIZE
NAME_LENGTH = 100
"""Bytes that the header of a tar has for a name; longer ones are cut there and given before it."""

OPEN_SHARDS = 64
"""Shards that a process keeps open."""

LISTED = 3


class ShardError(LayoutError):
    """Shards cannot be read."""


class MissingShardError(ShardError):
    """Shards, or the index of them, are not there."""


class TruncatedShardError(ShardError):
    """A shard is shorter or longer than it was written."""


class ForeignShardError(ShardError):
    """A tar file is not the one that the index speaks of."""


@dataclass(frozen=True)
class ShardIndex:
    """Where the members of all clips lie. Arrays, because workers share them without copies.

    Attributes:
        names: File names of the shards.
        sizes: Their sizes in bytes.
        keys: Hashes of the clips' names, ascending.
        shards: The shard of each clip, by its place in ``names``.
        offsets: First byte of the members of each clip, in the order of ``SUFFIXES``.
        lengths: Sizes of the members in bytes.
    """

    names: tuple[str, ...]
    sizes: Int64[np.ndarray, " shards"]
    keys: UInt64[np.ndarray, " clips"]
    shards: Int32[np.ndarray, " clips"]
    offsets: Int64[np.ndarray, "clips 3"]
    lengths: Int64[np.ndarray, "clips 3"]

    def find(self, clip: str) -> int | None:
        """Row of a clip, or None."""
        key = clip_key(clip)
        row = int(np.searchsorted(self.keys, key))
        return row if row < len(self.keys) and self.keys[row] == key else None

    @classmethod
    def read(cls, root: Path) -> "ShardIndex":
        """Read the index of a folder of shards.

        Raises:
            ShardError: If it is damaged.
        """
        path = root / INDEX
        try:
            with np.load(path) as arrays:
                fields: dict[str, Any] = {name: arrays[name] for name in cls.__annotations__}
            names = tuple(str(name) for name in fields.pop("names"))
            return cls(names=names, **fields)
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise ShardError(
                f"{path} is no index of shards ({error}). Copy it again from where the shards "
                "were made, or make them again with `python -m data_prep shards`."
            ) from error


class ShardFiles:
    """The files of clips within shards; reads only the bytes that are asked for.

    Args:
        root: Folder of the shards.

    Raises:
        ShardError: If the index is damaged.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.index = root, ShardIndex.read(root)
        self._open: OrderedDict[int, int] = OrderedDict()

    def check(self, records: Sequence[ClipRecord]) -> None:
        """Look whether all shards that hold ``records`` are there and have their size.

        Raises:
            MissingShardError: If some are not there.
            TruncatedShardError: If one has another size.
        """
        needed = sorted({int(self.index.shards[self._row(record.id)]) for record in records})
        names = [self.index.names[shard] for shard in needed]
        missing = [name for name in names if not (self.root / name).is_file()]
        if missing:
            shown = ", ".join(missing[:LISTED]) + (", …" if len(missing) > LISTED else "")
            raise MissingShardError(
                f"{len(missing)} of {len(names)} shards are missing under {self.root}: {shown}. "
                "Copy them from where they were made, or make them again with "
                "`python -m data_prep shards`, which keeps the others."
            )
        for shard, name in zip(needed, names, strict=True):
            self._check_size(shard, (self.root / name).stat().st_size)

    def has(self, clip: str) -> bool:
        """Whether the index has the clip."""
        return self.index.find(clip) is not None

    def read(self, clip: str, suffix: str) -> bytes:
        """A whole member, after a look at its name and size in the tar.

        Raises:
            ShardError: If the shard is missing, truncated, or another one.
        """
        row, member = self._row(clip), SUFFIXES.index(suffix)
        length, shard = int(self.index.lengths[row, member]), int(self.index.shards[row])
        start = int(self.index.offsets[row, member]) - HEADER
        data = self._bytes(shard, start, HEADER + length)
        if _header(data[:HEADER]) != (member_name(clip, suffix).encode()[:NAME_LENGTH], length):
            raise ForeignShardError(
                f"{self.root / self.index.names[shard]} does not have {clip!r} where {INDEX} says. "
                "Tars and index are from different runs, or the tar is damaged: copy both again."
            )
        return data[HEADER:]

    def read_spans(self, clip: str, suffix: str, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """Parts of a member.

        Raises:
            LayoutError: If the clip has no such bytes.
            ShardError: If the shard is missing or truncated.
        """
        row, member = self._row(clip), SUFFIXES.index(suffix)
        length, shard = int(self.index.lengths[row, member]), int(self.index.shards[row])
        offset = int(self.index.offsets[row, member])
        for start, stop in spans:
            if not 0 <= start <= stop <= length:
                raise self.damage(clip, suffix, f"it has no bytes {start} to {stop}")
        return [self._bytes(shard, offset + start, stop - start) for start, stop in spans]

    def damage(self, clip: str, suffix: str, reason: object) -> LayoutError:
        """The error for a member whose content makes no sense."""
        row = self.index.find(clip)
        where = INDEX if row is None else self.index.names[self.index.shards[row]]
        return ShardError(
            f"{member_name(clip, suffix)} in {self.root / where} is missing or damaged ({reason}). "
            "Copy this shard again, or delete it and run `python -m data_prep shards` again."
        )

    def __getstate__(self) -> dict[str, Any]:
        """Open files do not travel to other processes."""
        return {**vars(self), "_open": OrderedDict()}

    def _row(self, clip: str) -> int:
        row = self.index.find(clip)
        if row is None:
            raise MissingShardError(
                f"No shard under {self.root} has the clip {clip!r} of the manifest. Manifests and "
                f"{INDEX} are from different runs: copy all of them again."
            )
        return row

    def _bytes(self, shard: int, start: int, length: int) -> bytes:
        """Bytes by position, which no other process can move; a mapped file could end it."""
        path = self.root / self.index.names[shard]
        try:
            data = os.pread(self._descriptor(shard, path), length, start)
        except OSError as error:
            raise MissingShardError(f"{path} cannot be read ({error}). Copy it again.") from error
        if len(data) < length:
            self._check_size(shard, path.stat().st_size)
            raise TruncatedShardError(
                f"{path} gave {len(data)} of {length} bytes from {start} on. Copy it again."
            )
        return data

    def _descriptor(self, shard: int, path: Path) -> int:
        if shard in self._open:
            self._open.move_to_end(shard)
            return self._open[shard]
        if len(self._open) >= OPEN_SHARDS:
            os.close(self._open.popitem(last=False)[1])
        self._open[shard] = os.open(path, os.O_RDONLY)
        return self._open[shard]

    def _check_size(self, shard: int, size: int) -> None:
        expected = int(self.index.sizes[shard])
        if size != expected:
            raise TruncatedShardError(
                f"{self.root / self.index.names[shard]} has {size:,} bytes, {INDEX} says "
                f"{expected:,}: {'a truncated copy' if size < expected else 'another file'}. "
                "Copy it again from where it was made."
            )


def check_tars(root: Path) -> None:
    """Refuse a folder of tars without index; any other folder is none of ours.

    Raises:
        ForeignShardError: If there are tars and no manifest.
        MissingShardError: If there are tars and manifests, but no index.
    """
    tars = sorted(path.name for path in root.glob("*.tar"))
    if not tars:
        return
    found = f"{root} has {len(tars)} tar files ({tars[0]}{', …' if len(tars) > 1 else ''})"
    if not (root / "corpus.json").is_file():
        raise ForeignShardError(
            f"{found}, but no corpus.json: not the shards of a prepared corpus. Make such with "
            "`python -m data_prep shards --source PREPARED --output SHARDS`."
        )
    raise MissingShardError(
        f"{found}, but not {INDEX}, which says what lies where. Copy it from where they were made."
    )


def member_name(clip: str, suffix: str) -> str:
    """Name of a member: plain ASCII, with no dot but that of the suffix."""
    return f"{quote(clip).replace('.', '%2E')}.{suffix}"


def clip_key(clip: str) -> np.uint64:
    """A number for the name of a clip, the same in all processes."""
    digest = hashlib.blake2b(clip.encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


def _header(block: bytes) -> tuple[bytes, int] | None:
    """Name and size in a header of a tar, or None if it is none."""
    try:
        return block[:NAME_LENGTH].rstrip(b"\0"), tarfile.TarInfo.frombuf(block, "ascii", "").size
    except (tarfile.HeaderError, UnicodeDecodeError, LookupError):
        return None
