from pathlib import Path

import pytest

from data_prep.corpora import ClipError
from data_prep.corpora.recordio import parse_image_record, read_labels, read_record
from tests.data_prep.records import MAGIC, image_record, write_records

PAYLOADS = (
    b"",
    b"abc",
    b"abcd",
    MAGIC,
    b"0123" + MAGIC + b"4567",
    b"0123" + MAGIC + MAGIC + b"456" + MAGIC,
    b"01" + MAGIC + b"not aligned, so not cut",
)


def test_records_come_back_whatever_they_hold(tmp_path: Path) -> None:
    offsets = write_records(tmp_path, dict(enumerate(PAYLOADS)))
    with (tmp_path / "train.rec").open("rb") as file:
        assert [read_record(file, offset) for offset in offsets.values()] == list(PAYLOADS)


def test_a_single_label_and_a_list_of_labels_are_told_apart() -> None:
    single = parse_image_record(image_record(7.0, b"picture", key=3), 0)
    assert (single.several, single.labels, single.data) == (False, (7.0,), b"picture")
    several = parse_image_record(image_record((7.0, 1.0), b"picture"), 0)
    assert (several.several, several.labels, several.data) == (True, (7.0, 1.0), b"picture")


def test_labels_are_read_without_the_picture(tmp_path: Path) -> None:
    offsets = write_records(tmp_path, {0: image_record((1.0, 2.0, 3.0), b"x" * 100_000)})
    with (tmp_path / "train.rec").open("rb") as file:
        assert read_labels(file, offsets[0]) == (True, (1.0, 2.0, 3.0))


@pytest.mark.parametrize(
    ("offset", "message"),
    [
        (4, "does not begin with the magic number"),
        (10_000, "the file ends at"),
        (-1, "the file ends at"),
        (40, "later part of a record"),
    ],
)
def test_a_place_without_a_record_is_named(tmp_path: Path, offset: int, message: str) -> None:
    write_records(tmp_path, {0: b"x" * 32 + MAGIC + b"rest"})
    file = (tmp_path / "train.rec").open("rb")
    size = (tmp_path / "train.rec").stat().st_size
    with file, pytest.raises(ClipError, match=message):
        read_record(file, offset if offset >= 0 else size)


@pytest.mark.parametrize("kept", [1, 7, 8, 20, 41, 47, 51])
def test_a_cut_file_ends_in_an_error(tmp_path: Path, kept: int) -> None:
    write_records(tmp_path, {0: b"x" * 32 + MAGIC + b"rest"})
    path = tmp_path / "train.rec"
    path.write_bytes(path.read_bytes()[:kept])
    with path.open("rb") as file, pytest.raises(ClipError, match="the file ends at"):
        read_record(file, 0)


def test_a_record_that_another_one_interrupts_is_damaged(tmp_path: Path) -> None:
    write_records(tmp_path, {0: b"x" * 32 + MAGIC + b"rest"})
    path = tmp_path / "train.rec"
    first = path.read_bytes()[:40]
    path.write_bytes(first + MAGIC + b"\4\0\0\0abcd")
    with path.open("rb") as file, pytest.raises(ClipError, match="before its last part"):
        read_record(file, 0)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (b"short", "too short"),
        (b"\xff" * 24, "4294967295 labels"),
        (image_record((1.0,))[:-1], "1 labels"),
    ],
)
def test_a_header_that_cannot_be_is_refused(record: bytes, message: str) -> None:
    with pytest.raises(ClipError, match=message):
        parse_image_record(record, 0)
