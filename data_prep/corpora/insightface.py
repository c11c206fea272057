"""InsightFace's training sets: ``train.rec`` with aligned faces of 112 pixels, and ``train.idx``.

Two kinds exist (https://github.com/deepinsight/insightface, ``recognition/_datasets_``). In one,
record 0 gives the range of keys whose records stand for people, and each of these gives the range
of keys of that person's pictures. In the other, the pictures alone say who they are.
"""

import io
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from data_prep.corpora.portraits import RawPerson, RawPicture
from data_prep.corpora.raw import ClipError, CorpusError
from data_prep.corpora.recordio import parse_image_record, read_labels, read_record

RECORDS, INDEX = "train.rec", "train.idx"
EXACT = 1 << 24
"""Below this, a label, which is a float32, holds a key exactly."""

Index = list[tuple[int, int]]
Range = tuple[int, int]


@dataclass(frozen=True)
class RecordPortraits:
    """A folder with ``train.rec`` and ``train.idx``."""

    source: Path
    name: str = "msceleb"

    @staticmethod
    def fits(source: Path) -> bool:
        """Whether ``source`` is such a folder."""
        return (source / RECORDS).is_file() or (source / INDEX).is_file()

    def people(self) -> tuple[list[RawPerson], dict[str, str]]:
        """The people by their class; the records that cannot be read, by their keys."""
        path = self.source / RECORDS
        if not path.is_file():
            raise CorpusError(f"There is {self.source / INDEX}, but no {path} beside it.")
        index = read_index(self.source / INDEX)
        with path.open("rb") as file:
            header = _header(file, index)
            grouped = _by_label(file, index) if header is None else _by_range(file, index, header)
        people, problems = grouped
        if not people:
            raise CorpusError(f"{path} holds nobody: {len(problems)} of its records are damaged.")
        return people, problems

    def pictures(self, person: RawPerson) -> list[RawPicture]:
        """The records of a person, by their keys."""
        path = self.source / RECORDS
        return [RawPicture(key, path, offset) for key, offset in person.places]

    def read(self, picture: RawPicture) -> UInt8[Tensor, "3 h w"]:
        """Decode a record."""
        with picture.path.open("rb") as file:
            data = parse_image_record(read_record(file, picture.offset), picture.offset).data
        try:
            with Image.open(io.BytesIO(data)) as image:
                pixels = np.array(image.convert("RGB"))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise ClipError(
                f"The record at byte {picture.offset} holds no picture ({error})."
            ) from error
        return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


def read_index(path: Path) -> Index:
    """Keys and offsets of all records, by key.

    Raises:
        CorpusError: The file is missing, or a line is not ``key offset``.
    """
    if not path.is_file():
        raise CorpusError(f"No {path}. It belongs beside {RECORDS}: download both again.")
    index: Index = []
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
        try:
            key, offset = (int(field) for field in line.split())
        except ValueError as error:
            raise CorpusError(
                f"{path}, line {number}: expected `key offset`, got {line!r}."
            ) from error
        index.append((key, offset))
    return sorted(index)


def _header(file: IO[bytes], index: Index) -> Range | None:
    """The keys of the people, if record 0 gives them and labels hold keys exactly."""
    if not index or index[0][0] != 0 or index[-1][0] >= EXACT:
        return None
    try:
        several, labels = read_labels(file, index[0][1])
    except ClipError as error:
        raise CorpusError(f"The first record of {RECORDS} is damaged: {error}") from error
    return _range(labels) if several else None


def _by_range(
    file: IO[bytes], index: Index, header: Range
) -> tuple[list[RawPerson], dict[str, str]]:
    """People as their own records give them."""
    people, problems = [], {}
    for number, (key, offset) in enumerate(_slice(index, header)):
        try:
            first, behind = _range(read_labels(file, offset)[1])
        except ClipError as error:
            problems[f"record {key}"] = str(error)
            continue
        found = _slice(index, (first, min(behind, header[0])))
        if found:
            people.append(_person(number, found))
        if len(found) < behind - first:
            problems[f"records {first} to {behind - 1}"] = (
                f"{behind - first - len(found)} of them are not in {INDEX}."
            )
    return people, problems


def _by_label(file: IO[bytes], index: Index) -> tuple[list[RawPerson], dict[str, str]]:
    """People as their pictures name them."""
    groups: dict[int, Index] = defaultdict(list)
    problems = {}
    for key, offset in index:
        try:
            label = read_labels(file, offset)[1][0]
            groups[int(label)].append((key, offset))
        except (ClipError, ValueError, OverflowError) as error:
            problems[f"record {key}"] = str(error)
    return [_person(label, groups[label]) for label in sorted(groups)], problems


def _range(labels: Sequence[float]) -> Range:
    """Two labels as the first key, and the one behind the last."""
    try:
        first, behind = (int(label) for label in labels)
    except (ValueError, OverflowError) as error:
        raise ClipError(f"Expected the labels to be a range of keys, got {labels}.") from error
    if not 0 <= first <= behind:
        raise ClipError(f"Expected the labels to be a range of keys, got {labels}.")
    return first, behind


def _slice(index: Index, keys: Range) -> Index:
    """The entries with these keys: bounded by the index, whatever the keys are."""
    return index[bisect_left(index, (keys[0], -1)) : bisect_left(index, (keys[1], -1))]


def _person(number: int, places: Index) -> RawPerson:
    return RawPerson(f"{number:07d}", tuple((f"{key:08d}", offset) for key, offset in places))
