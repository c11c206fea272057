"""Records of a prepared corpus and the errors that a prepared folder can cause."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxtyping import Float, Int16, UInt8
from torch import Tensor

from talkface.types import FPS, SAMPLE_RATE

FORMAT = 1
"""Version of the layout; raised whenever older folders can no longer be read."""

PORTRAITS = "portraits"
"""The ``kind`` of a corpus of still faces; one of clips names none."""

CHECKSUMS = "sha256"
"""What stands beside the fields of a stored record: sums of the other files, by suffix."""


class ManifestNotFoundError(FileNotFoundError):
    """The dataset folder was never prepared, or is not the folder it was taken for."""

    def __init__(self, root: Path, split: str | None = None) -> None:
        found = sorted(p.stem for p in root.glob("*.jsonl")) if root.is_dir() else []
        nothing = "it has no manifest at all" if root.is_dir() else "there is no such folder"
        seen = f"found splits {found}" if found else nothing
        wanted = "prepared corpus" if split is None else f"manifest for split {split!r}"
        super().__init__(
            f"No {wanted} under {root} ({seen}). Run "
            f"`python -m data_prep CORPUS --source RAW --output {root}` first, or set `data.root`."
        )


class LayoutError(ValueError):
    """A prepared folder holds something that this version cannot read, or was asked to."""


@dataclass(frozen=True)
class WordSpan:
    """A spoken word; ``start`` and ``end`` in seconds from the beginning of the clip."""

    word: str
    start: float
    end: float


@dataclass(frozen=True)
class ClipRecord:
    """One line of a manifest.

    Attributes:
        id: Name of the clip, unique in the corpus; may contain slashes.
        split: Manifest that the clip belongs to.
        frames: Number of video frames.
        samples: Number of sound samples.
        speaker: Who speaks; empty when unknown.
        words: What is spoken when.
        source: The raw file, for people who want to look it up.
        emotion: How it is spoken; empty when unknown.
    """

    id: str
    split: str
    frames: int
    samples: int
    speaker: str
    words: tuple[WordSpan, ...]
    source: str
    emotion: str = ""


@dataclass(frozen=True)
class Corpus:
    """What all clips of a corpus share; the place of a word in ``words`` is its class."""

    name: str
    side: int
    words: tuple[str, ...] = ()
    fps: int = FPS
    sample_rate: int = SAMPLE_RATE
    format: int = FORMAT


@dataclass
class PreparedClip:
    """A clip in memory.

    Attributes:
        record: Its line in the manifest.
        frames: RGB crops.
        landmarks: iBUG-68 points in crop pixels, NaN where unknown.
        transforms: Affine maps from source pixels to crop pixels.
        sound: Mono, ``SAMPLE_RATE`` per second.
    """

    record: ClipRecord
    frames: UInt8[Tensor, "n 3 side side"]
    landmarks: Float[Tensor, "n 68 2"]
    transforms: Float[Tensor, "n 2 3"]
    sound: Int16[Tensor, " samples"]


def parse_fields(path: Path, text: str) -> dict[str, Any]:
    """Read a JSON object out of the file at ``path``."""
    try:
        fields = json.loads(text)
    except json.JSONDecodeError as error:
        raise damaged(path, error) from error
    if not isinstance(fields, dict):
        raise damaged(path, f"expected an object, got {type(fields).__name__}")
    return fields


def parse_record(path: Path, line: str) -> ClipRecord:
    """Read one record out of the file at ``path``."""
    fields = parse_fields(path, line)
    fields.pop(CHECKSUMS, None)
    try:
        words = tuple(WordSpan(**word) for word in fields["words"])
        return ClipRecord(**{**fields, "words": words})
    except (KeyError, TypeError) as error:
        raise damaged(path, error) from error


def damaged(path: Path, reason: object) -> LayoutError:
    """The error for a file that cannot be read, to be raised."""
    return LayoutError(f"{path} is missing or damaged ({reason}). Prepare this clip again.")
