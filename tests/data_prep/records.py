"""Record files as MXNet writes them, written here from its documents."""

import io
import struct
from pathlib import Path

import numpy as np
from PIL import Image

MAGIC = struct.pack("<I", 0xCED7230A)


def jpeg(colour: tuple[int, int, int], side: int = 112) -> bytes:
    """A picture of one colour."""
    buffer = io.BytesIO()
    pixels = np.full((side, side, 3), colour, np.uint8)
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def image_record(labels: float | tuple[float, ...], data: bytes = b"", key: int = 0) -> bytes:
    """Header, labels and picture; a tuple is stored as a list of labels."""
    if isinstance(labels, tuple):
        header = struct.pack("<IfQQ", len(labels), 0.0, key, 0)
        return header + struct.pack(f"<{len(labels)}f", *labels) + data
    return struct.pack("<IfQQ", 0, labels, key, 0) + data


def framed(data: bytes) -> bytes:
    """The data of one record as it lies in the file, cut where it holds the magic number."""
    places = [i for i in range(0, len(data) - 3, 4) if data[i : i + 4] == MAGIC]
    starts, ends = [0, *(i + 4 for i in places)], [*places, len(data)]
    last, chunks = len(places), []
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        flag = 0 if last == 0 else 1 if number == 0 else 3 if number == last else 2
        part = data[start:end]
        word = struct.pack("<I", flag << 29 | len(part))
        chunks.append(MAGIC + word + part + b"\0" * (-len(part) % 4))
    return b"".join(chunks)


def write_records(folder: Path, records: dict[int, bytes]) -> dict[int, int]:
    """``train.rec`` and ``train.idx``; returns the offsets by key."""
    folder.mkdir(parents=True, exist_ok=True)
    offsets, data = {}, b""
    for key, record in records.items():
        offsets[key] = len(data)
        data += framed(record)
    (folder / "train.rec").write_bytes(data)
    lines = [f"{key}\t{offset}\n" for key, offset in offsets.items()]
    (folder / "train.idx").write_text("".join(lines))
    return offsets


def plain(people: list[int], per_person: int) -> dict[int, bytes]:
    """Pictures that say themselves who they are; the key tells the shade."""
    keys = range(len(people) * per_person)
    return {
        key: image_record(float(people[key // per_person]), jpeg((10 * key % 256, 50, 200)), key)
        for key in keys
    }


def with_people(people: int, per_person: int) -> dict[int, bytes]:
    """Record 0 gives the keys of the people, whose records give the keys of their pictures."""
    first = 1 + people * per_person
    records = {0: image_record((float(first), float(first + people)))}
    for key in range(1, first):
        person = float((key - 1) // per_person)
        records[key] = image_record((person, 1.0), jpeg((10 * key % 256, 50, 200)), key)
    for person in range(people):
        start = 1 + person * per_person
        records[first + person] = image_record((float(start), float(start + per_person)))
    return records
