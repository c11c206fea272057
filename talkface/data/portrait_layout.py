"""The on-disk contract of a prepared corpus of portraits: still faces, sorted by person.

::

    ROOT/corpus.json                 kind, name, side of the crops, people trained on
    ROOT/{train,val,unseen}.jsonl    one person per line, and where the pictures of the split lie
    ROOT/people/ID.jpgs              all pictures of a person, JPEG 4:4:4, one after the other
    ROOT/people/ID.json              their names and offsets; written last, marks a complete person

``val`` holds other pictures of the people of ``train``, ``unseen`` people of no other split.
"""

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor
from torchvision.io import ImageReadMode, decode_jpeg

from talkface.data.layout import (
    FORMAT,
    LayoutError,
    ManifestNotFoundError,
    checksum,
    corpus_fields,
    encode_jpeg,
    write_aside,
    write_manifests,
)
from talkface.data.records import CHECKSUMS, PORTRAITS, parse_fields

SPLITS = ("train", "val", "unseen")
"""Names of the manifests."""

Span = tuple[int, int]


@dataclass(frozen=True)
class Person:
    """Everything that is stored of a person.

    Attributes:
        id: Name, unique in the corpus.
        pictures: Names of the pictures in the raw corpus, in the order in which they are stored.
        offsets: Where the pictures begin, in bytes, and where the last one ends.
        skipped: Why other pictures of the person could not be used, by their names.
    """

    id: str
    pictures: tuple[str, ...]
    offsets: tuple[int, ...]
    skipped: dict[str, str] = field(default_factory=dict)

    def spans(self, pictures: Iterable[int]) -> tuple[Span, ...]:
        """First byte of each of ``pictures``, and the one behind its last."""
        return tuple((self.offsets[i], self.offsets[i + 1]) for i in pictures)


@dataclass(frozen=True)
class PersonEntry:
    """One line of a manifest: which bytes of ``people/ID.jpgs`` are pictures of this split."""

    id: str
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class PortraitCorpus:
    """What all portraits of a corpus share; the place of a person in ``people`` is the class."""

    name: str
    side: int
    people: tuple[str, ...]
    kind: str = PORTRAITS
    format: int = FORMAT


def write_person(
    root: Path,
    person: str,
    pictures: Mapping[str, UInt8[Tensor, "3 side side"]],
    skipped: Mapping[str, str],
) -> None:
    """Store the ``pictures`` of a person by their names, the record last."""
    images = [encode_jpeg(image.permute(1, 2, 0).numpy()) for image in pictures.values()]
    offsets = [0]
    for image in images:
        offsets.append(offsets[-1] + len(image))
    content = b"".join(images)
    with write_aside(_file(root, person, "jpgs")) as file:
        file.write(content)
    record = Person(person, tuple(pictures), tuple(offsets), dict(skipped))
    fields = dataclasses.asdict(record) | {CHECKSUMS: {"jpgs": checksum(content)}}
    with write_aside(_file(root, person, "json")) as file:
        file.write(json.dumps(fields).encode())


def is_written(root: Path, person: str) -> bool:
    """Whether everything of a person has been written."""
    return _file(root, person, "json").is_file()


def person_pictures(root: Path, person: str) -> Path:
    """The file that holds the pictures of a person."""
    return _file(root, person, "jpgs")


def person_checksums(root: Path, person: str) -> dict[str, str]:
    """``checksum`` of the pictures of a stored person; empty if they were made without."""
    path = _file(root, person, "json")
    return dict(parse_fields(path, path.read_text()).get(CHECKSUMS, {}))


def read_person(root: Path, person: str) -> Person:
    """What is stored of one complete person.

    Raises:
        LayoutError: If the record is damaged.
    """
    path = _file(root, person, "json")
    try:
        fields = parse_fields(path, path.read_text())
        return Person(
            id=fields["id"],
            pictures=tuple(fields["pictures"]),
            offsets=tuple(fields["offsets"]),
            skipped=fields["skipped"],
        )
    except (OSError, KeyError, TypeError) as error:
        raise _damaged(path, error) from error


def write_portraits(
    root: Path, corpus: PortraitCorpus, entries: Mapping[str, Iterable[PersonEntry]]
) -> None:
    """Write the manifests of all splits that have pictures, then ``corpus.json``."""
    write_manifests(root, corpus, {split: entries.get(split, ()) for split in SPLITS})


def read_portraits(root: Path) -> PortraitCorpus:
    """Read ``corpus.json``.

    Raises:
        ManifestNotFoundError: If there is none.
        LayoutError: If it is damaged, of another version, or of clips.
    """
    fields = corpus_fields(root)
    if fields.get("kind") != PORTRAITS:
        raise LayoutError(
            f"{root} holds clips, but here portraits are needed, sorted by person. Set "
            "`data.root` to a corpus as `python -m data_prep msceleb` makes it."
        )
    try:
        return PortraitCorpus(**{**fields, "people": tuple(fields["people"])})
    except (KeyError, TypeError) as error:
        raise _damaged(root / "corpus.json", error) from error


def read_entries(root: Path, split: str) -> Iterator[PersonEntry]:
    """The people of one split, in the order in which they were written.

    Raises:
        ManifestNotFoundError: If the split does not exist.
        LayoutError: If a line is damaged.
    """
    path = root / f"{split}.jsonl"
    if not path.is_file():
        raise ManifestNotFoundError(root, split)
    with path.open() as lines:
        for line in lines:
            fields: dict[str, Any] = parse_fields(path, line)
            try:
                yield PersonEntry(fields["id"], tuple((a, b) for a, b in fields["spans"]))
            except (KeyError, TypeError, ValueError) as error:
                raise _damaged(path, error) from error


def read_picture(root: Path, person: str, span: Span) -> UInt8[Tensor, "3 side side"]:
    """Decode one picture, reading its bytes only.

    Raises:
        LayoutError: If the file is missing or damaged.
    """
    path = _file(root, person, "jpgs")
    try:
        with path.open("rb") as file:
            file.seek(span[0])
            data = bytearray(file.read(span[1] - span[0]))
        image: Tensor = decode_jpeg(torch.frombuffer(data, dtype=torch.uint8), ImageReadMode.RGB)
    except (OSError, RuntimeError, ValueError) as error:
        raise _damaged(path, error) from error
    return image


def _damaged(path: Path, reason: object) -> LayoutError:
    return LayoutError(
        f"{path} is missing or damaged ({reason}). Delete what is left of this person and prepare "
        "the corpus again; what is complete is kept."
    )


def _file(root: Path, person: str, suffix: str) -> Path:
    if not person or person.startswith(".") or "/" in person:
        raise LayoutError(f"{person!r} cannot name a person. Use a name without dot and slash.")
    return root / "people" / f"{person}.{suffix}"
