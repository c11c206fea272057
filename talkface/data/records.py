"""Records of a prepared corpus and the errors that a prepared folder can cause."""

import json
import pickle
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
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
        manifests = {path.stem for path in root.glob("*.jsonl")} - {"skipped", "left_out"}
        found = sorted(manifests)
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
class Demographics:
    """Who a speaker is, in the words of the corpus; None for what it does not tell."""

    age: int | None = None
    sex: str | None = None
    race: str | None = None
    ethnicity: str | None = None


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
        level: How strongly that is shown, where the corpus tells.
        text: What is said in full, where the corpus tells.
        demographics: Who the speaker is, where the corpus tells.
    """

    id: str
    split: str
    frames: int
    samples: int
    speaker: str
    words: tuple[WordSpan, ...]
    source: str
    emotion: str = ""
    level: str | None = None
    text: str | None = None
    demographics: Demographics | None = None


class PackedRecords(Sequence[ClipRecord]):
    """Records in one block of memory, made into objects when they are asked for.

    Processes share memory until one of them writes to it, and Python writes to every object that
    it looks at: a list of 500,000 records would end up once in every worker.
    """

    def __init__(self, records: Iterable[ClipRecord]) -> None:
        packed = [pickle.dumps(record) for record in records]
        self._stops = np.cumsum([0, *map(len, packed)])
        self._data = np.frombuffer(b"".join(packed), dtype=np.uint8)

    def __len__(self) -> int:
        """Number of records."""
        return len(self._stops) - 1

    @overload
    def __getitem__(self, index: int) -> ClipRecord: ...
    @overload
    def __getitem__(self, index: slice) -> list[ClipRecord]: ...
    def __getitem__(self, index: int | slice) -> ClipRecord | list[ClipRecord]:
        """One record, or some."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        data = self._data[self._stops[place] : self._stops[place + 1]].tobytes()
        record: ClipRecord = pickle.loads(data)
        return record


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


def format_row(row: Any, more: Mapping[str, Any] | None = None) -> str:
    """One dataclass as JSON, with ``more`` fields; what is None is unknown, and left out."""
    return json.dumps({**asdict(row, dict_factory=_known), **(more or {})})


def _known(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {key: value for key, value in pairs if value is not None}


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
        known = fields.get("demographics")
        demographics = None if known is None else Demographics(**known)
        return ClipRecord(**{**fields, "words": words, "demographics": demographics})
    except (KeyError, TypeError) as error:
        raise damaged(path, error) from error


def damaged(path: Path, reason: object) -> LayoutError:
    """The error for a file that cannot be read, to be raised."""
    return LayoutError(f"{path} is missing or damaged ({reason}). Prepare this clip again.")
