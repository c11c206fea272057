"""MXNet's record files, read without MXNet.

A record is the magic number, a word with 3 bits of continuation flag and 29 of length, and the
data, padded to a multiple of 4 bytes; data that contains the magic number is cut there into
several such chunks (dmlc-core, ``recordio.h``). Image records begin with a header of ``flag``,
``label`` and two ids; a positive ``flag`` says how many labels follow (``mxnet/recordio.py``).
"""

import os
import struct
from dataclasses import dataclass
from typing import IO

from data_prep.corpora.raw import ClipError

MAGIC = 0xCED7230A
MAGIC_BYTES = MAGIC.to_bytes(4, "little")
LENGTH_BITS = 29
WHOLE, FIRST, MIDDLE, LAST = range(4)

_CHUNK = struct.Struct("<II")
_HEADER = struct.Struct("<IfQQ")
_LABEL = struct.Struct("<f")
MOST_LABELS = 1024
"""More labels than any face corpus has: a larger count is damage."""


@dataclass(frozen=True)
class ImageRecord:
    """What a record holds.

    Attributes:
        several: Whether the labels are a list, even if of one.
        labels: The labels, one at least.
        data: The encoded picture.
    """

    several: bool
    labels: tuple[float, ...]
    data: bytes


def read_record(file: IO[bytes], offset: int) -> bytes:
    """The data of the record that begins at ``offset``.

    Raises:
        ClipError: There is no whole record.
    """
    flag, data = _chunk(file, offset)
    if flag == WHOLE:
        return data
    parts = [data]
    while flag in {FIRST, MIDDLE}:
        flag, data = _chunk(file, file.tell())
        if flag not in {MIDDLE, LAST}:
            raise ClipError(f"The record at byte {offset} ends before its last part.")
        parts.append(data)
    if len(parts) == 1:
        raise ClipError(f"At byte {offset} there is the later part of a record, not a record.")
    return MAGIC_BYTES.join(parts)


def read_labels(file: IO[bytes], offset: int) -> tuple[bool, tuple[float, ...]]:
    """``several`` and ``labels`` of the record at ``offset``, without reading its picture.

    Raises:
        ClipError: There is no whole record, or it is none of a picture.
    """
    _, start = _chunk(file, offset, _HEADER.size + MOST_LABELS * _LABEL.size)
    record = parse_image_record(start, offset)
    return record.several, record.labels


def parse_image_record(record: bytes, offset: int) -> ImageRecord:
    """Labels and picture of the record at ``offset``.

    Raises:
        ClipError: It is shorter than its header says.
    """
    if len(record) < _HEADER.size:
        raise ClipError(f"The record at byte {offset} is too short for a header.")
    flag, label, _, _ = _HEADER.unpack_from(record)
    end = _HEADER.size + flag * _LABEL.size
    if flag > MOST_LABELS or end > len(record):
        raise ClipError(f"The record at byte {offset} has {flag} labels, which it cannot hold.")
    if flag == 0:
        return ImageRecord(False, (label,), record[end:])
    labels = struct.unpack_from(f"<{flag}f", record, _HEADER.size)
    return ImageRecord(True, labels, record[end:])


def _chunk(file: IO[bytes], offset: int, most: int | None = None) -> tuple[int, bytes]:
    """Flag and data, or its first bytes, of a chunk; the file then stands at the next one."""
    size = os.fstat(file.fileno()).st_size
    file.seek(offset)
    head = file.read(_CHUNK.size)
    if len(head) < _CHUNK.size:
        raise ClipError(f"No record at byte {offset}: the file ends at {size}.")
    magic, word = _CHUNK.unpack(head)
    if magic != MAGIC:
        raise ClipError(f"No record at byte {offset}: it does not begin with the magic number.")
    length = word & ((1 << LENGTH_BITS) - 1)
    if offset + _CHUNK.size + length > size:
        raise ClipError(
            f"The record at byte {offset} has {length} bytes, but the file ends at {size}."
        )
    data = file.read(length if most is None else min(length, most))
    file.seek(offset + _CHUNK.size + length)  # a chunk that others follow needs no padding
    return word >> LENGTH_BITS, data
