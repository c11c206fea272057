import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from talkface.data.layout import (
    ClipReader,
    Corpus,
    Demographics,
    LayoutError,
    ManifestNotFoundError,
    is_complete,
    read_corpus,
    read_manifest,
    read_record,
    write_aside,
    write_clip,
    write_corpus,
)
from tests import fakes


def test_a_clip_comes_back_as_it_was_written(tmp_path: Path) -> None:
    clip = fakes.clip("s1/one", seed=3)
    clip.landmarks[4] = torch.nan
    write_clip(tmp_path, clip)
    reader = ClipReader(tmp_path, read_record(tmp_path, "s1/one"))
    assert reader.record == clip.record
    assert torch.equal(reader.sound(), clip.sound)
    assert torch.equal(reader.transforms(), clip.transforms)
    torch.testing.assert_close(reader.landmarks(), clip.landmarks, equal_nan=True)
    error = reader.frames(range(40)).float() - clip.frames.float()
    assert error.abs().mean() < 2  # JPEG of quality 95


def test_frames_are_read_in_the_order_asked_for(prepared: Path) -> None:
    reader = ClipReader(prepared, read_manifest(prepared, "train")[0])
    whole = reader.frames(range(40))
    assert torch.equal(reader.frames([7, 3, 39, 3]), whole[[7, 3, 39, 3]])
    with pytest.raises(IndexError, match="no frame 40, only 0 to 39"):
        reader.frames([40])


def test_only_the_wanted_frames_are_read(tmp_path: Path) -> None:
    write_clip(tmp_path, fakes.clip("one"))
    images = tmp_path / "clips" / "one.jpgs"
    with np.load(tmp_path / "clips" / "one.npz") as arrays:
        images.write_bytes(images.read_bytes()[: int(arrays["offsets"][3])])
    reader = ClipReader(tmp_path, read_record(tmp_path, "one"))
    assert len(reader.frames([0, 2])) == 2
    with pytest.raises(LayoutError, match=r"one\.jpgs is missing or damaged"):
        reader.frames([3])


def test_manifests_come_back_in_order(prepared: Path) -> None:
    assert read_corpus(prepared) == Corpus("fake", 64, fakes.WORDS)
    assert [r.id for r in read_manifest(prepared, "train")] == [
        "s0/clip0",
        "s1/clip1",
        "s0/clip2",
        "s1/clip3",
    ]
    assert [len(read_manifest(prepared, split)) for split in ("val", "test")] == [1, 1]


def test_what_the_corpus_tells_comes_back_and_what_it_does_not_is_left_out(tmp_path: Path) -> None:
    clip, who = fakes.clip("one"), Demographics(51, "Male")
    clip.record = dataclasses.replace(clip.record, emotion="SAD", level="HI", demographics=who)
    write_clip(tmp_path, clip)
    assert read_record(tmp_path, "one") == clip.record
    fields = json.loads((tmp_path / "clips" / "one.json").read_text())
    assert fields["demographics"] == {"age": 51, "sex": "Male"}
    assert "text" not in fields


def test_a_record_without_the_fields_of_later_versions_is_read(tmp_path: Path) -> None:
    write_clip(tmp_path, fakes.clip("one"))
    path = tmp_path / "clips" / "one.json"
    fields = json.loads(path.read_text())
    path.write_text(json.dumps({k: v for k, v in fields.items() if k != "emotion"}))
    record = read_record(tmp_path, "one")
    assert (record.emotion, record.level, record.text, record.demographics) == (
        "",
        None,
        None,
        None,
    )


def test_a_split_without_clips_leaves_no_manifest_behind(tmp_path: Path) -> None:
    record = fakes.clip("one", "val").record
    write_corpus(tmp_path, Corpus("fake", 64), [record])
    write_corpus(tmp_path, Corpus("fake", 64), [dataclasses.replace(record, split="train")])
    with pytest.raises(ManifestNotFoundError, match=r"'val'.*found splits \['train'\].*data\.root"):
        read_manifest(tmp_path, "val")


def test_a_missing_folder_names_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(ManifestNotFoundError, match=r"no such folder.*python -m data_prep"):
        read_corpus(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "missing or damaged"),
        ("[]", "expected an object, got list"),
        (json.dumps({"format": 2}), "format 2, this version reads 1"),
        (json.dumps({"format": 1, "name": "x"}), "missing or damaged"),
    ],
)
def test_a_damaged_corpus_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "corpus.json").write_text(text)
    with pytest.raises(LayoutError, match=message):
        read_corpus(tmp_path)


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"id": "one"}\n')
    with pytest.raises(LayoutError, match=r"train\.jsonl is missing or damaged"):
        read_manifest(tmp_path, "train")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(TypeError), write_aside(path) as file:
        file.writelines([b"ne", "w"])  # type: ignore[list-item]
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_clip_without_its_record_is_incomplete(tmp_path: Path) -> None:
    write_clip(tmp_path, fakes.clip("one"))
    assert is_complete(tmp_path, "one")
    (tmp_path / "clips" / "one.json").unlink()
    assert not is_complete(tmp_path, "one")


def test_a_clip_that_contradicts_its_record_is_refused(tmp_path: Path) -> None:
    clip = fakes.clip("one")
    clip.record = dataclasses.replace(clip.record, frames=41)
    with pytest.raises(LayoutError, match="record says 41 frames"):
        write_clip(tmp_path, clip)
    assert not is_complete(tmp_path, "one")


@pytest.mark.parametrize("name", ["", "../one", "/one"])
def test_names_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(LayoutError, match="cannot name a clip"):
        is_complete(tmp_path, name)


def test_a_missing_clip_is_named(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match=r"one\.npz is missing or damaged"):
        ClipReader(tmp_path, fakes.clip("one").record)
