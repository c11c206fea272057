"""The on-disk contract of a prepared corpus: written by ``data_prep``, read by ``talkface``.

::

    ROOT/corpus.json               name, side of the crops, rates, list of words
    ROOT/{train,val,test}.jsonl    one clip record per line
    ROOT/clips/ID.jpgs             frames, JPEG 4:4:4, one after the other
    ROOT/clips/ID.npz              offsets of the frames, landmarks, transforms, sound
    ROOT/clips/ID.json             the record, and the sums of both; written last, so it marks a
                                   complete clip

Every file is written aside and renamed, so that an interrupted run leaves no half-written file.
The same clip gives the same bytes, whenever it is written.
"""

import dataclasses
import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image

from talkface.data.clip_reader import ClipReader
from talkface.data.durable import write_aside
from talkface.data.files import clip_file, clip_files
from talkface.data.records import (
    CHECKSUMS,
    FORMAT,
    PORTRAITS,
    ClipRecord,
    Corpus,
    Demographics,
    LayoutError,
    ManifestNotFoundError,
    PreparedClip,
    WordSpan,
    damaged,
    format_row,
    parse_fields,
    parse_record,
)
from talkface.data.shards import check_tars

__all__ = [
    "FORMAT",
    "SPLITS",
    "ClipReader",
    "ClipRecord",
    "Corpus",
    "Demographics",
    "LayoutError",
    "ManifestNotFoundError",
    "PreparedClip",
    "WordSpan",
    "checksum",
    "corpus_fields",
    "encode_jpeg",
    "is_complete",
    "read_checksums",
    "read_corpus",
    "read_manifest",
    "read_record",
    "stored_files",
    "write_aside",
    "write_clip",
    "write_corpus",
    "write_record",
]

SPLITS = ("train", "val", "test")
"""Names of the manifests that ``write_corpus`` keeps in step with the records."""

QUALITY = 95
"""JPEG quality of the stored frames."""


def write_clip(root: Path, clip: PreparedClip) -> None:
    """Store one clip, the record last.

    Raises:
        LayoutError: If record and tensors disagree about the length of the clip.
    """
    record = clip.record
    lengths = {"frames": len(clip.frames), "samples": len(clip.sound)}
    if lengths != {"frames": record.frames, "samples": record.samples}:
        raise LayoutError(
            f"Clip {record.id!r} holds {lengths}, but its record says {record.frames} frames "
            f"and {record.samples} samples. Build the record from the tensors."
        )
    images = [encode_jpeg(image) for image in clip.frames.permute(0, 2, 3, 1).numpy()]
    arrays = io.BytesIO()
    np.savez(
        arrays,
        offsets=np.cumsum([0, *map(len, images)]),
        landmarks=clip.landmarks.to(torch.float32).numpy(),
        transforms=clip.transforms.to(torch.float32).numpy(),
        sound=clip.sound.numpy(),
    )
    files = {"jpgs": b"".join(images), "npz": arrays.getvalue()}
    for suffix, content in files.items():
        with write_aside(clip_file(root, record.id, suffix)) as file:
            file.write(content)
    write_record(root, record, {suffix: checksum(content) for suffix, content in files.items()})


def write_record(root: Path, record: ClipRecord, sums: Mapping[str, str]) -> None:
    """Store the record of a clip whose other files are there.

    Args:
        root: Folder of the corpus.
        record: The record.
        sums: ``checksum`` of the other files by suffix; empty for clips of earlier versions.
    """
    more = {CHECKSUMS: dict(sums)} if sums else {}
    with write_aside(clip_file(root, record.id, "json")) as file:
        file.write(format_row(record, more).encode())


def checksum(content: bytes) -> str:
    """SHA-256 of what a file holds, as ``sha256sum`` shows it."""
    return hashlib.sha256(content).hexdigest()


def write_corpus(root: Path, corpus: Corpus, records: Iterable[ClipRecord]) -> None:
    """Write the manifests of all splits that have clips, then ``corpus.json``."""
    rows: dict[str, list[ClipRecord]] = {split: [] for split in SPLITS}
    for record in records:
        rows.setdefault(record.split, []).append(record)
    write_manifests(root, corpus, rows)


def write_manifests(root: Path, corpus: Any, rows: Mapping[str, Iterable[Any]]) -> None:
    """Write the rows of every split, remove manifests without any, then write ``corpus.json``.

    Args:
        root: Folder of the corpus.
        corpus: Dataclass of what all rows share.
        rows: Dataclasses by split.
    """
    for split, entries in rows.items():
        path = root / f"{split}.jsonl"
        lines = [format_row(entry) + "\n" for entry in entries]
        if not lines:
            path.unlink(missing_ok=True)
            continue
        with write_aside(path) as file:
            file.write("".join(lines).encode())
    with write_aside(root / "corpus.json") as file:
        file.write(json.dumps(dataclasses.asdict(corpus), indent=1).encode())


def read_corpus(root: Path) -> Corpus:
    """Read ``corpus.json``.

    Raises:
        ManifestNotFoundError: If there is none.
        LayoutError: If it is damaged, of another version, or of portraits.
    """
    fields = corpus_fields(root)
    if fields.get("kind") == PORTRAITS:
        raise LayoutError(
            f"{root} holds portraits, which are for `experiment: identity`; here clips are needed. "
            "Set `data.root` to a corpus of clips, as `python -m data_prep lrw` makes it."
        )
    path = root / "corpus.json"
    try:
        return Corpus(**{**fields, "words": tuple(fields["words"])})
    except (KeyError, TypeError) as error:
        raise damaged(path, error) from error


def corpus_fields(root: Path) -> dict[str, Any]:
    """What ``corpus.json`` says, of clips or of portraits.

    Raises:
        ManifestNotFoundError: If there is none.
        LayoutError: If it is damaged or of another version.
    """
    path = root / "corpus.json"
    if not path.is_file():
        check_tars(root)
        raise ManifestNotFoundError(root)
    fields = parse_fields(path, path.read_text())
    if fields.get("format") != FORMAT:
        raise LayoutError(
            f"{path} has format {fields.get('format')!r}, this version reads {FORMAT}. "
            "Prepare the corpus again with the `data_prep` of this version."
        )
    return fields


def read_manifest(root: Path, split: str) -> list[ClipRecord]:
    """Read the records of one split, in the order in which they were written.

    Raises:
        ManifestNotFoundError: If the split does not exist.
        LayoutError: If a line is damaged.
    """
    path = root / f"{split}.jsonl"
    if not path.is_file():
        raise ManifestNotFoundError(root, split)
    return [parse_record(path, line) for line in path.read_text().splitlines() if line.strip()]


def read_record(root: Path, clip: str) -> ClipRecord:
    """Read the record of one complete clip, for instance to resume a preparation.

    Raises:
        LayoutError: If it is missing or damaged.
    """
    text = clip_files(root).read(clip, "json").decode(errors="replace")
    return parse_record(clip_file(root, clip, "json"), text)


def read_checksums(root: Path, clip: str) -> dict[str, str]:
    """``checksum`` of the files of a complete clip by suffix; empty if it was made without."""
    path = clip_file(root, clip, "json")
    return dict(parse_fields(path, path.read_text()).get(CHECKSUMS, {}))


def is_complete(root: Path, clip: str) -> bool:
    """Whether everything of a clip has been written."""
    return clip_files(root).has(clip)


def stored_files(root: Path, clip: str) -> dict[str, Path]:
    """The files of a clip beside its record, by suffix."""
    return {suffix: clip_file(root, clip, suffix) for suffix in ("jpgs", "npz")}


def encode_jpeg(image: UInt8[np.ndarray, "side side 3"]) -> bytes:
    """A frame as it is stored."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    return buffer.getvalue()
