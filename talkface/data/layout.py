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
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from jaxtyping import Float, Int16, UInt8
from PIL import Image
from torch import Tensor
from torchvision.io import ImageReadMode, decode_jpeg

from talkface.data.durable import write_aside
from talkface.data.records import (
    CHECKSUMS,
    FORMAT,
    PORTRAITS,
    ClipRecord,
    Corpus,
    LayoutError,
    ManifestNotFoundError,
    PreparedClip,
    WordSpan,
    damaged,
    parse_fields,
    parse_record,
)

__all__ = [
    "FORMAT",
    "SPLITS",
    "ClipReader",
    "ClipRecord",
    "Corpus",
    "LayoutError",
    "ManifestNotFoundError",
    "PreparedClip",
    "WordSpan",
    "checksum",
    "clip_files",
    "corpus_fields",
    "encode_jpeg",
    "is_complete",
    "read_checksums",
    "read_corpus",
    "read_manifest",
    "read_record",
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
        with write_aside(_file(root, record.id, suffix)) as file:
            file.write(content)
    write_record(root, record, {suffix: checksum(content) for suffix, content in files.items()})


def write_record(root: Path, record: ClipRecord, sums: Mapping[str, str]) -> None:
    """Store the record of a clip whose other files are there.

    Args:
        root: Folder of the corpus.
        record: The record.
        sums: ``checksum`` of the other files by suffix; empty for clips of earlier versions.
    """
    fields = dataclasses.asdict(record) | ({CHECKSUMS: dict(sums)} if sums else {})
    with write_aside(_file(root, record.id, "json")) as file:
        file.write(json.dumps(fields).encode())


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
        lines = [json.dumps(dataclasses.asdict(entry)) + "\n" for entry in entries]
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
    """Read the record of one complete clip, for instance to resume a preparation."""
    path = _file(root, clip, "json")
    return parse_record(path, path.read_text())


def read_checksums(root: Path, clip: str) -> dict[str, str]:
    """``checksum`` of the files of a complete clip by suffix; empty if it was made without."""
    path = _file(root, clip, "json")
    return dict(parse_fields(path, path.read_text()).get(CHECKSUMS, {}))


def is_complete(root: Path, clip: str) -> bool:
    """Whether everything of a clip has been written."""
    return _file(root, clip, "json").is_file()


def clip_files(root: Path, clip: str) -> dict[str, Path]:
    """The files of a clip beside its record, by suffix."""
    return {suffix: _file(root, clip, suffix) for suffix in ("jpgs", "npz")}


class ClipReader:
    """Random access to one stored clip; reads only the bytes that are asked for.

    Args:
        root: Folder of the corpus.
        record: Line of the manifest.

    Raises:
        LayoutError: If files of the clip are missing or damaged.
    """

    def __init__(self, root: Path, record: ClipRecord) -> None:
        self.record = record
        self._images, self._path = _file(root, record.id, "jpgs"), _file(root, record.id, "npz")
        self._arrays = self._load("offsets", "landmarks", "sound")

    def frames(self, indices: Sequence[int]) -> UInt8[Tensor, "n 3 side side"]:
        """Decode the frames at ``indices``, in that order."""
        offsets = self.offsets
        images = []
        try:
            with self._images.open("rb") as file:
                for index in indices:
                    if not 0 <= index < self.record.frames:
                        raise IndexError(
                            f"Clip {self.record.id!r} has no frame {index}, only 0 to "
                            f"{self.record.frames - 1}."
                        )
                    file.seek(offsets[index])
                    data = bytearray(file.read(offsets[index + 1] - offsets[index]))
                    images.append(torch.frombuffer(data, dtype=torch.uint8))
            decoded: list[Tensor] = decode_jpeg(images, ImageReadMode.RGB)
        except (OSError, RuntimeError, ValueError) as error:
            raise damaged(self._images, error) from error
        return torch.stack(decoded)

    @property
    def offsets(self) -> list[int]:
        """Where the frames begin in their file, in bytes, and where the last one ends."""
        offsets: list[int] = self._arrays["offsets"].tolist()
        return offsets

    def sound(self) -> Int16[Tensor, " samples"]:
        """All samples of the clip."""
        return torch.from_numpy(self._arrays["sound"])

    def landmarks(self) -> Float[Tensor, "n 68 2"]:
        """Points of all frames in crop pixels, NaN where unknown."""
        return torch.from_numpy(self._arrays["landmarks"])

    def transforms(self) -> Float[Tensor, "n 2 3"]:
        """Affine maps of all frames from source pixels to crop pixels."""
        return torch.from_numpy(self._load("transforms")["transforms"])

    def _load(self, *names: str) -> dict[str, np.ndarray]:
        try:
            with np.load(self._path) as arrays:
                return {name: arrays[name] for name in names}
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise damaged(self._path, error) from error


def _file(root: Path, clip: str, suffix: str) -> Path:
    if not clip or ".." in Path(clip).parts or Path(clip).is_absolute():
        raise LayoutError(f"{clip!r} cannot name a clip. Use a relative path without `..`.")
    return root / "clips" / f"{clip}.{suffix}"


def encode_jpeg(image: UInt8[np.ndarray, "side side 3"]) -> bytes:
    """A frame as it is stored."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    return buffer.getvalue()
