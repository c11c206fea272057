import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from data_prep import people as builder
from data_prep.corpora import CorpusError, FolderPortraits, RecordPortraits
from data_prep.job import Outcome
from data_prep.people import PersonJob, build_portraits
from data_prep.splits import People
from talkface.data.layout import LayoutError, read_corpus
from talkface.data.portrait_layout import read_entries, read_person, read_picture, read_portraits
from talkface.faces import TEMPLATE
from tests.data_prep.records import plain, write_records
from tests.data_prep.trees import face_tree

NAMES = {"anna": 4, "bela": 5, "carl": 3, "dora": 4}
SPLIT = People(unseen=1, val=1, seed=0)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return face_tree(tmp_path_factory.mktemp("faces"), NAMES)


@pytest.fixture
def job(raw: Path, tmp_path: Path) -> PersonJob:
    source = shutil.copytree(raw, tmp_path / "raw")
    return PersonJob(FolderPortraits(source), tmp_path / "out", 64, "sidecar", least=3)


def listed(job: PersonJob) -> dict[str, dict[str, int]]:
    """Number of pictures by split and person."""
    splits = {}
    for path in sorted(job.output.glob("*.jsonl")):
        if path.name != "skipped.jsonl":
            entries = read_entries(job.output, path.stem)
            splits[path.stem] = {entry.id: len(entry.spans) for entry in entries}
    return splits


def test_every_picture_lands_in_one_split_and_unseen_people_in_no_other(job: PersonJob) -> None:
    summary = build_portraits(job, SPLIT, workers=0)
    assert (summary.prepared, summary.kept, summary.skipped) == (4, 0, {})
    splits = listed(job)
    (unseen,) = splits["unseen"]
    seen = sorted({*NAMES} - {unseen})
    assert splits == {
        "train": {name: NAMES[name] - 1 for name in seen},
        "val": dict.fromkeys(seen, 1),
        "unseen": {unseen: NAMES[unseen]},
    }
    corpus = read_portraits(job.output)
    assert (corpus.name, corpus.side, list(corpus.people)) == ("msceleb", 64, seen)
    for name in seen:
        person = read_person(job.output, name)
        spans = [
            span
            for split in ("train", "val")
            for entry in read_entries(job.output, split)
            if entry.id == name
            for span in entry.spans
        ]
        assert sorted(spans) == list(person.spans(range(NAMES[name])))


def test_eyes_and_mouth_lie_at_the_template(job: PersonJob) -> None:
    build_portraits(job, SPLIT, workers=0)
    grid = torch.stack(torch.meshgrid(torch.arange(64), torch.arange(64), indexing="xy"), -1)
    for entry in read_entries(job.output, "train"):
        for span in entry.spans:
            picture = read_picture(job.output, entry.id, span).double()
            weight = (picture - 60).clamp(min=0)[..., None]
            centroid = (weight * grid).sum(dim=(1, 2)) / weight.sum(dim=(1, 2))
            target = torch.tensor(TEMPLATE).double() * 64 - 0.5
            torch.testing.assert_close(centroid, target, atol=1.0, rtol=0)


def test_bad_pictures_are_skipped_with_their_reasons(job: PersonJob) -> None:
    source = job.corpus.people()[0]
    assert [person.id for person in source] == sorted(NAMES)
    folder = job.output.parent / "raw"
    (folder / "anna" / "0.png").write_bytes(b"")
    np.save(folder / "bela" / "1.landmarks.npy", np.full((1, 68, 2), np.nan, np.float32))
    (folder / "bela" / "2.landmarks.npy").unlink()
    (folder / "bela" / "notes.txt").write_text("no picture")
    summary = build_portraits(job, SPLIT, workers=0)
    assert summary.prepared == 4
    assert {name: why[:9] for name, why in summary.skipped.items()} == {
        "anna/0.png": str(folder / "anna" / "0.png")[:9],
        "bela/1.png": "No face i",
        "bela/2.png": "No landma",
    }
    again = build_portraits(job, SPLIT, workers=0)
    assert (again.kept, again.skipped) == (4, summary.skipped)
    lines = (job.output / "skipped.jsonl").read_text().splitlines()
    assert {json.loads(line)["id"]: json.loads(line)["reason"] for line in lines} == again.skipped


def test_people_with_too_few_usable_pictures_are_skipped(job: PersonJob) -> None:
    folder = job.output.parent / "raw"
    (folder / "anna" / "0.png").write_bytes(b"")
    (folder / "anna" / "1.png").write_bytes(b"")
    (folder / "carl" / "0.png").unlink()
    summary = build_portraits(job, People(unseen=0, val=1), workers=0)
    for name in ("anna", "carl"):
        assert (
            summary.skipped[name] == "2 usable pictures, but `--least` asks for 3 of every person."
        )
    assert listed(job)["train"] == {"bela": 4, "dora": 3}
    assert "unseen" not in listed(job)


def test_a_surprise_skips_the_picture_but_a_full_disk_stops(
    job: PersonJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    def surprise(*_args: object) -> None:
        raise ZeroDivisionError("in some decoder")

    monkeypatch.setattr(builder, "align_landmarks", surprise)
    reasons = build_portraits(job, SPLIT, workers=0).skipped
    assert reasons["bela/4.png"] == "ZeroDivisionError('in some decoder')"

    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    shutil.rmtree(job.output)
    monkeypatch.setattr(builder, "align_landmarks", full)
    with pytest.raises(OSError, match="No space left"):
        build_portraits(job, SPLIT, workers=0)


def test_an_interrupted_run_goes_on_and_ends_like_one_made_at_once(
    job: PersonJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = PersonJob(job.corpus, tmp_path / "whole", 64, "sidecar", least=3)
    build_portraits(whole, SPLIT, workers=0)
    store = PersonJob.store
    stored: list[str] = []

    def interrupted(self: PersonJob, made: builder.PreparedPerson) -> Outcome:
        if len(stored) == 2:
            raise KeyboardInterrupt
        stored.append(made.id)
        return store(self, made)

    monkeypatch.setattr(PersonJob, "store", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build_portraits(job, SPLIT, workers=0)
    assert not (job.output / "corpus.json").exists()
    monkeypatch.setattr(PersonJob, "store", store)
    before = {p: p.stat().st_mtime_ns for p in job.output.rglob("people/*")}
    summary = build_portraits(job, SPLIT, workers=0)
    assert (summary.kept, summary.prepared) == (2, 2)
    assert {p: p.stat().st_mtime_ns for p in before} == before
    for path in (p for p in whole.output.rglob("*") if p.is_file()):
        assert path.read_bytes() == (job.output / path.relative_to(whole.output)).read_bytes()


def test_another_split_needs_no_new_pictures(job: PersonJob) -> None:
    build_portraits(job, SPLIT, workers=0)
    first = listed(job)
    summary = build_portraits(job, People(unseen=2, val=2, seed=5), workers=0)
    assert (summary.prepared, summary.kept) == (0, 4)
    assert [len(listed(job)[split]) for split in ("train", "val", "unseen")] == [2, 2, 2]
    build_portraits(job, SPLIT, workers=0)
    assert listed(job) == first


def test_other_settings_for_the_same_output_are_refused(job: PersonJob) -> None:
    build_portraits(job, SPLIT, workers=0)
    other = PersonJob(job.corpus, job.output, 64, "none", least=3)
    with pytest.raises(CorpusError, match=r"was prepared with .*sidecar.*now asked .*none"):
        build_portraits(other, SPLIT, workers=0)


def test_a_split_that_leaves_nobody_is_refused_before_any_work(job: PersonJob) -> None:
    with pytest.raises(CorpusError, match=r"4 people can be used, of whom 3 .*Lower `--unseen`"):
        build_portraits(job, People(unseen=3, val=1), workers=0)
    with pytest.raises(CorpusError, match=r"3 pictures per person .*Raise `--least`"):
        build_portraits(job, People(unseen=1, val=3), workers=0)
    assert not job.output.exists()


def test_records_are_prepared_like_folders_and_damage_is_counted(tmp_path: Path) -> None:
    offsets = write_records(tmp_path / "raw", plain([0, 1, 2], per_person=4))
    path = tmp_path / "raw" / "train.rec"
    path.write_bytes(path.read_bytes()[: offsets[11] + 40])
    job = PersonJob(RecordPortraits(tmp_path / "raw"), tmp_path / "out", 32, "insightface", least=3)
    summary = build_portraits(job, People(unseen=1, val=1), workers=0)
    assert summary.prepared == 3
    assert list(summary.skipped) == ["record 11"]
    assert sum(sum(split.values()) for split in listed(job).values()) == 11
    person = read_person(tmp_path / "out", "0000001")
    assert person.pictures == ("00000004", "00000005", "00000006", "00000007")
    image = read_picture(tmp_path / "out", "0000001", person.spans([2])[0])
    assert image.float().mean(dim=(1, 2)).tolist() == pytest.approx([60, 50, 200], abs=2)


def test_a_folder_without_people_is_explained(tmp_path: Path) -> None:
    job = PersonJob(FolderPortraits(tmp_path), tmp_path / "out", 64, "sidecar")
    with pytest.raises(CorpusError, match=r"No folder under .*train\.rec"):
        build_portraits(job, People(unseen=0, val=0), workers=0)


def test_a_corpus_of_portraits_is_not_taken_for_clips(job: PersonJob) -> None:
    build_portraits(job, SPLIT, workers=0)
    with pytest.raises(LayoutError, match=r"holds portraits.*`data\.root` to a corpus of clips"):
        read_corpus(job.output)
