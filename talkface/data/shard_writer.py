"""Packing a folder of clips into shards, as ``talkface.data.shards`` reads them."""

import hashlib
import io
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from talkface.data.clip_reader import ClipReader
from talkface.data.files import clip_file
from talkface.data.layout import (
    SPLITS,
    read_corpus,
    read_manifest,
    read_record,
    write_aside,
    write_manifests,
)
from talkface.data.records import ClipRecord, LayoutError, damaged
from talkface.data.shards import INDEX, SUFFIXES, ShardIndex, clip_key, member_name

END = 2 * tarfile.BLOCKSIZE
"""Zeros that end a tar."""


@dataclass(frozen=True)
class Entry:
    """A clip in a shard to be.

    Attributes:
        clip: Its name.
        lengths: Sizes of its members in bytes, in the order of ``SUFFIXES``.
        offsets: Where their contents will begin.
        stop: Where the next clip begins.
    """

    clip: str
    lengths: tuple[int, ...]
    offsets: tuple[int, ...]
    stop: int


@dataclass(frozen=True)
class Shard:
    """A shard to be."""

    name: str
    entries: tuple[Entry, ...]

    @property
    def size(self) -> int:
        """Bytes of the whole tar."""
        return self.entries[-1].stop + END


@dataclass
class Packed:
    """How a run ended: shards written, kept from before, and clips left out with the reasons."""

    written: int
    kept: int
    clips: int
    skipped: dict[str, str]


def write_shards(
    source: Path,
    output: Path,
    shard_size: int,
    progress: Callable[[Sequence[Shard]], Iterator[Shard]] = iter,
) -> Packed:
    """Pack a prepared corpus; shards of an earlier run that would come out the same are kept.

    Args:
        source: Folder of clips.
        output: Folder of the shards.
        shard_size: Size that no shard exceeds unless one clip does, in bytes.
        progress: Passes the shards on, and may show how far it is.

    Raises:
        ManifestNotFoundError: If ``source`` is no prepared corpus.
        LayoutError: If it is one of portraits, or of shards, or has no usable clip.
    """
    corpus = read_corpus(source)
    if (source / INDEX).is_file() or source.resolve() == output.resolve():
        raise LayoutError(f"{source} is a folder of shards already, or the output itself.")
    skipped: dict[str, str] = {}
    splits = [split for split in SPLITS if (source / f"{split}.jsonl").is_file()]
    rows = {split: list(_usable(source, split, skipped)) for split in splits}
    if not any(rows.values()):
        raise LayoutError(f"{source} has no usable clip. Prepare it again.")
    shards = [s for split in splits for s in _planned(source, split, rows[split], shard_size)]
    (output / "corpus.json").unlink(missing_ok=True)  # what is incomplete must not look complete
    kept = sum(not _write(source, output / shard.name, shard) for shard in progress(shards))
    _write_index(output, shards)
    write_manifests(output, corpus, {split: rows.get(split, ()) for split in SPLITS})
    for path in set(output.glob("*.tar")) - {output / shard.name for shard in shards}:
        path.unlink()  # left by a run with other sizes
    return Packed(len(shards) - kept, kept, sum(map(len, rows.values())), skipped)


def _usable(source: Path, split: str, skipped: dict[str, str]) -> Iterator[ClipRecord]:
    """Clips of a split whose files are whole; the others go to ``skipped``."""
    for record in read_manifest(source, split):
        try:
            ClipReader(source, record).check()
            read_record(source, record.id)
            yield record
        except LayoutError as error:
            skipped[record.id] = str(error)


def _planned(
    source: Path, split: str, records: Sequence[ClipRecord], shard_size: int
) -> Iterator[Shard]:
    """Shards of one split, filled with its clips in a random order that is always the same."""
    clips = sorted((r.id for r in records), key=lambda c: hashlib.blake2b(c.encode()).digest())
    number, entries = 0, list[Entry]()
    for clip in clips:
        entry = _entry(source, clip, entries[-1].stop if entries else 0)
        if entries and entry.stop + END > shard_size:
            yield Shard(f"{split}-{number:06d}.tar", tuple(entries))
            number, entries, entry = number + 1, [], _entry(source, clip, 0)
        entries.append(entry)
    if entries:
        yield Shard(f"{split}-{number:06d}.tar", tuple(entries))


def _entry(source: Path, clip: str, start: int) -> Entry:
    """Where a clip will lie in a tar that has ``start`` bytes so far."""
    lengths, offsets = [], []
    for suffix in SUFFIXES:
        lengths.append(clip_file(source, clip, suffix).stat().st_size)
        offsets.append(start + len(_header(clip, suffix, lengths[-1])))
        start = offsets[-1] + lengths[-1] + _padding(lengths[-1])
    return Entry(clip, tuple(lengths), tuple(offsets), start)


def _header(clip: str, suffix: str, length: int) -> bytes:
    """Header of a member, the same whenever and by whomever it is written."""
    info = tarfile.TarInfo(member_name(clip, suffix))
    info.size = length
    return info.tobuf(tarfile.GNU_FORMAT)


def _padding(length: int) -> int:
    return -length % tarfile.BLOCKSIZE


def _write(source: Path, path: Path, shard: Shard) -> bool:
    """Write a shard, unless it is there and newer than all that goes into it."""
    if _is_written(source, path, shard):
        return False
    with write_aside(path) as file:
        for entry in shard.entries:
            for suffix, length in zip(SUFFIXES, entry.lengths, strict=True):
                content = clip_file(source, entry.clip, suffix)
                data = content.read_bytes()
                if len(data) != length:
                    raise damaged(content, "it changed while shards were written")
                file.write(_header(entry.clip, suffix, length) + data + bytes(_padding(length)))
        file.write(bytes(END))
    return True


def _is_written(source: Path, path: Path, shard: Shard) -> bool:
    if not path.is_file() or path.stat().st_size != shard.size:
        return False
    files = (clip_file(source, entry.clip, s) for entry in shard.entries for s in SUFFIXES)
    return max(file.stat().st_mtime_ns for file in files) < path.stat().st_mtime_ns


def _write_index(output: Path, shards: Sequence[Shard]) -> None:
    entries = [entry for shard in shards for entry in shard.entries]
    keys = np.array([clip_key(entry.clip) for entry in entries], dtype=np.uint64)
    if len(np.unique(keys)) < len(keys):
        raise LayoutError(f"Two clips of {output} have one name, or one hash. Rename one of them.")
    numbers = np.repeat(np.arange(len(shards)), [len(shard.entries) for shard in shards])
    order = np.argsort(keys)
    index = ShardIndex(
        names=tuple(shard.name for shard in shards),
        sizes=np.array([shard.size for shard in shards], dtype=np.int64),
        keys=keys[order],
        shards=numbers.astype(np.int32)[order],
        offsets=np.array([entry.offsets for entry in entries], dtype=np.int64)[order],
        lengths=np.array([entry.lengths for entry in entries], dtype=np.int64)[order],
    )
    buffer = io.BytesIO()
    np.savez(buffer, **{**vars(index), "names": np.array(index.names)})
    with write_aside(output / INDEX) as file:
        file.write(buffer.getvalue())
