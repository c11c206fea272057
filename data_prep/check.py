"""Whether what is stored of a clip, or of a person, is whole: everything is read and decoded."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from data_prep.clip import TOLERANCE
from talkface.data.layout import (
    ClipReader,
    ClipRecord,
    LayoutError,
    checksum,
    read_checksums,
    read_record,
    stored_files,
)
from talkface.data.portrait_layout import (
    Person,
    person_checksums,
    person_pictures,
    read_person,
    read_picture,
)
from talkface.types import FPS, SAMPLE_RATE

MARGIN = 1.0
"""How far landmarks may lie outside the crop, in sides of it: the crop of a large face is tight."""

MARKERS = (b"\xff\xd8", b"\xff\xd9")
"""First and last bytes of a JPEG file: a decoder fills up what is cut off, and says nothing."""

BATCH = 32


def check_clip(root: Path, clip: str, side: int) -> ClipRecord:
    """Read everything of a clip.

    Args:
        root: Folder of the corpus.
        clip: Name of the clip.
        side: Side S of the crops in pixels.

    Returns:
        Its record.

    Raises:
        LayoutError: Something is missing, damaged, or contradicts the rest.
        OSError: A file cannot be read.
    """
    record = read_record(root, clip)
    if record.id != clip:
        raise LayoutError(f"The record of {clip!r} is that of {record.id!r}.")
    files = stored_files(root, clip)
    _check_sums(files, read_checksums(root, clip))
    reader = ClipReader(root, record)
    _check_arrays(reader, side)
    _check_pictures(files["jpgs"].read_bytes(), reader.offsets)
    for first in range(0, record.frames, BATCH):
        shape = reader.frames(range(first, min(first + BATCH, record.frames))).shape[1:]
        _check_shape("a frame", tuple(shape), (3, side, side))
    return record


def check_person(root: Path, name: str, side: int) -> Person:
    """Read everything of a person; as ``check_clip``."""
    person = read_person(root, name)
    if person.id != name:
        raise LayoutError(f"The record of {name!r} is that of {person.id!r}.")
    path = person_pictures(root, name)
    _check_sums({"jpgs": path}, person_checksums(root, name))
    _check_shape("the offsets", (len(person.offsets),), (len(person.pictures) + 1,))
    _check_pictures(path.read_bytes(), person.offsets)
    for span in person.spans(range(len(person.pictures))):
        _check_shape("a picture", tuple(read_picture(root, name, span).shape), (3, side, side))
    return person


def _check_sums(files: Mapping[str, Path], sums: Mapping[str, str]) -> None:
    for suffix, path in files.items():
        found = checksum(path.read_bytes())
        if found != sums.get(suffix, found):  # clips of earlier versions have none
            raise LayoutError(f"{path} has changed since it was written: its sum is {found}.")


def _check_arrays(reader: ClipReader, side: int) -> None:
    record, marks, transforms = reader.record, reader.landmarks(), reader.transforms()
    _check_shape("the offsets", (len(reader.offsets),), (record.frames + 1,))
    _check_shape("the landmarks", tuple(marks.shape), (record.frames, 68, 2))
    _check_shape("the transforms", tuple(transforms.shape), (record.frames, 2, 3))
    _check_shape("the sound", tuple(reader.sound().shape), (record.samples,))
    if not torch.isfinite(transforms).all():
        raise LayoutError("A transform is not finite.")
    known = marks[torch.isfinite(marks).all(dim=-1)]
    outside = (known < -MARGIN * side) | (known > (1 + MARGIN) * side)
    if len(known) == 0 or outside.any():
        where = known[outside.any(dim=-1)][:1].tolist()
        raise LayoutError(f"Landmarks are unknown, or far outside the crop of {side}: {where}.")
    short = record.frames / FPS - record.samples / SAMPLE_RATE
    if short > TOLERANCE:
        raise LayoutError(f"The sound ends {short:.2f} s before the picture.")


def _check_pictures(content: bytes, offsets: Sequence[int]) -> None:
    """Whether pictures lie from offset to offset, and nothing else."""
    if not len(offsets) or offsets[0] != 0 or offsets[-1] != len(content):
        raise LayoutError(f"The pictures have {len(content)} bytes, not {offsets[-1:]}.")
    if (np.diff(offsets) <= 0).any():
        raise LayoutError("The pictures do not follow one another.")
    for first, last in pairwise(offsets):
        if (content[first : first + 2], content[last - 2 : last]) != MARKERS:
            raise LayoutError(f"No picture from byte {first} to {last}.")


def _check_shape(what: str, found: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if found != expected:
        raise LayoutError(f"The shape of {what} is {found}, expected {expected}.")
