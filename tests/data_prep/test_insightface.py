import math
from pathlib import Path

import pytest

from data_prep.corpora import ClipError, CorpusError, RecordPortraits
from data_prep.corpora.insightface import EXACT, read_index
from tests.data_prep.records import (
    framed,
    image_record,
    jpeg,
    plain,
    with_people,
    write_records,
)


def keys(source: Path) -> dict[str, list[str]]:
    corpus = RecordPortraits(source)
    return {p.id: [picture.name for picture in corpus.pictures(p)] for p in corpus.people()[0]}


def test_pictures_are_sorted_by_their_labels(tmp_path: Path) -> None:
    write_records(tmp_path, plain([4, 2], per_person=2))
    assert keys(tmp_path) == {
        "0000002": ["00000002", "00000003"],
        "0000004": ["00000000", "00000001"],
    }


def test_records_of_people_give_their_pictures(tmp_path: Path) -> None:
    write_records(tmp_path, with_people(people=3, per_person=2))
    assert keys(tmp_path) == {
        f"{i:07d}": [f"{2 * i + 1:08d}", f"{2 * i + 2:08d}"] for i in range(3)
    }
    assert RecordPortraits(tmp_path).people()[1] == {}


def test_a_picture_is_decoded_as_it_was_stored(tmp_path: Path) -> None:
    write_records(tmp_path, with_people(people=2, per_person=2))
    corpus = RecordPortraits(tmp_path)
    pictures = corpus.pictures(corpus.people()[0][1])
    for key, picture in zip((3, 4), pictures, strict=True):
        image = corpus.read(picture)
        assert image.shape == (3, 112, 112)
        assert [round(v) for v in image.float().mean(dim=(1, 2)).tolist()] == pytest.approx(
            [10 * key, 50, 200], abs=2
        )


def test_a_cut_file_costs_what_was_cut_off(tmp_path: Path) -> None:
    offsets = write_records(tmp_path, plain([0, 1, 2], per_person=3))
    path = tmp_path / "train.rec"
    path.write_bytes(path.read_bytes()[: offsets[7] + 5])
    people, problems = RecordPortraits(tmp_path).people()
    assert [len(person.places) for person in people] == [3, 3, 1]
    assert sorted(problems) == ["record 7", "record 8"]
    assert all("the file ends at" in reason for reason in problems.values())


def test_a_picture_cut_in_its_middle_is_found_when_it_is_read(tmp_path: Path) -> None:
    offsets = write_records(tmp_path, with_people(people=2, per_person=2))
    path = tmp_path / "train.rec"
    data = bytearray(path.read_bytes())
    data[offsets[2] + 60 : offsets[3]] = bytes(offsets[3] - offsets[2] - 60)
    path.write_bytes(bytes(data))
    corpus = RecordPortraits(tmp_path)
    first, second = corpus.pictures(corpus.people()[0][0])
    assert corpus.read(first).shape == (3, 112, 112)
    with pytest.raises(ClipError, match=rf"record at byte {offsets[2]} holds no picture"):
        corpus.read(second)


@pytest.mark.parametrize(
    "range_of_keys", [(math.nan, 3.0), (math.inf, 3.0), (1e30, 1e31), (3.0, 1.0), (1.0, 2.0, 3.0)]
)
def test_a_damaged_record_of_a_person_costs_that_person_only(
    tmp_path: Path, range_of_keys: tuple[float, ...]
) -> None:
    records = with_people(people=3, per_person=2)
    write_records(tmp_path, {**records, 8: image_record(range_of_keys)})
    people, problems = RecordPortraits(tmp_path).people()
    assert [person.id for person in people] == ["0000000", "0000002"]
    assert len(problems) == 1


def test_a_range_beyond_the_index_ends_with_the_pictures(tmp_path: Path) -> None:
    records = with_people(people=2, per_person=2)
    write_records(tmp_path, {**records, 6: image_record((3.0, 2e9))})
    people, problems = RecordPortraits(tmp_path).people()
    assert [key for key, _ in people[1].places] == ["00000003", "00000004"]
    assert problems == {"records 3 to 1999999999": "1999999995 of them are not in train.idx."}


def test_keys_that_a_label_cannot_hold_are_not_trusted(tmp_path: Path) -> None:
    offsets = write_records(tmp_path, with_people(people=2, per_person=2))
    pictures = {key: offsets[key] for key in (0, 1, 2, 3)} | {EXACT: offsets[4]}
    lines = [f"{key}\t{offset}\n" for key, offset in pictures.items()]
    (tmp_path / "train.idx").write_text("".join(lines))
    assert keys(tmp_path)["0000001"] == ["00000003", f"{EXACT:08d}"]


def test_a_damaged_first_record_is_an_error(tmp_path: Path) -> None:
    write_records(tmp_path, with_people(2, 2))
    path = tmp_path / "train.rec"
    path.write_bytes(b"\0" * 8 + path.read_bytes()[8:])
    with pytest.raises(CorpusError, match=r"first record of train\.rec is damaged"):
        RecordPortraits(tmp_path).people()


def test_files_that_are_missing_or_no_index_are_named(tmp_path: Path) -> None:
    write_records(tmp_path, plain([0], 1))
    (tmp_path / "train.idx").write_text("0\t0\nnonsense\n")
    with pytest.raises(CorpusError, match=r"line 2: expected `key offset`, got 'nonsense'"):
        RecordPortraits(tmp_path).people()
    (tmp_path / "train.idx").unlink()
    with pytest.raises(CorpusError, match=r"No .*train\.idx"):
        RecordPortraits(tmp_path).people()
    (tmp_path / "train.rec").rename(tmp_path / "train.idx")
    with pytest.raises(CorpusError, match=r"no .*train\.rec beside it"):
        RecordPortraits(tmp_path).people()


def test_an_index_is_sorted_by_key(tmp_path: Path) -> None:
    (tmp_path / "train.idx").write_text("2\t40\n0\t0\n1\t20\n")
    assert read_index(tmp_path / "train.idx") == [(0, 0), (1, 20), (2, 40)]


def test_nobody_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "train.rec").write_bytes(framed(image_record(0.0, jpeg((1, 2, 3))))[:9])
    (tmp_path / "train.idx").write_text("1\t0\n")
    with pytest.raises(CorpusError, match="holds nobody: 1 of its records are damaged"):
        RecordPortraits(tmp_path).people()
