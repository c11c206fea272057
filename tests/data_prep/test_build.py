import dataclasses
import itertools
import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch

from data_prep import build as builder
from data_prep.build import ClipJob, build
from data_prep.corpora import CorpusError, GridCorpus, LrwCorpus
from data_prep.engines import LocalEngine
from data_prep.job import AnyUnit, Outcome
from data_prep.splits import Holdout
from data_prep.worker import Start
from talkface.data.layout import (
    ClipReader,
    ClipRecord,
    PreparedClip,
    read_corpus,
    read_manifest,
    write_clip,
)
from talkface.faces import TEMPLATE, LandmarkModelError
from tests.data_prep.same import contents
from tests.data_prep.trees import grid_tree, lrw_tree

NAMES = ("bbaf2n", "lbaq7a", "pbav3s", "sbahzp")
ONE_EACH = Holdout(val=1, test=1)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return grid_tree(tmp_path_factory.mktemp("grid"), {"s1": NAMES})


@pytest.fixture
def job(raw: Path, tmp_path: Path) -> ClipJob:
    source = shutil.copytree(raw, tmp_path / "raw")
    return ClipJob(GridCorpus(source), tmp_path / "prepared", side=64, landmarks="sidecar")


def test_grid_is_prepared(job: ClipJob) -> None:
    summary = build(job, ONE_EACH, workers=0)
    assert (summary.prepared, summary.kept, summary.skipped) == (4, 0, {})
    corpus = read_corpus(job.output)
    assert (corpus.name, corpus.side) == ("grid", 64)
    assert corpus.words == ("bbb", "lll", "ppp", "soon", "sss")
    sizes = {split: len(read_manifest(job.output, split)) for split in ("train", "val", "test")}
    assert sizes == {"train": 2, "val": 1, "test": 1}
    record = read_manifest(job.output, "test")[0]
    assert (record.speaker, record.frames) == ("s1", 15)
    assert abs(record.samples - 15 * 640) < 1100


def test_eyes_and_mouth_lie_at_the_template_in_every_frame(job: ClipJob) -> None:
    build(job, ONE_EACH, workers=0)
    reader = ClipReader(job.output, read_manifest(job.output, "train")[0])
    pictures = reader.frames(range(15)).double()
    grid = torch.stack(torch.meshgrid(torch.arange(64), torch.arange(64), indexing="xy"), -1)
    weight = (pictures - 60).clamp(min=0)[..., None]
    centroid = (weight * grid).sum(dim=(2, 3)) / weight.sum(dim=(2, 3))
    marks = reader.landmarks().double()
    parts = [marks[:, a:b].mean(dim=1) for a, b in ((36, 42), (42, 48), (48, 68))]
    torch.testing.assert_close(centroid, torch.stack(parts, dim=1), atol=0.5, rtol=0)
    target = (torch.tensor(TEMPLATE) * 64 - 0.5).double().expand(15, 3, 2)
    torch.testing.assert_close(centroid, target, atol=1.5, rtol=0)


def test_lrw_is_prepared_with_its_own_splits(tmp_path: Path) -> None:
    raw = lrw_tree(tmp_path / "raw")
    job = ClipJob(LrwCorpus(raw), tmp_path / "prepared", side=64, landmarks="sidecar")
    assert build(job, Holdout(), workers=0).prepared == 8
    assert read_corpus(job.output).words == ("ABOUT", "MIGHT")
    sizes = {split: len(read_manifest(job.output, split)) for split in ("train", "val", "test")}
    assert sizes == {"train": 4, "val": 2, "test": 2}
    span = read_manifest(job.output, "test")[1].words[0]
    assert span.word == "MIGHT"
    assert [span.start, span.end] == pytest.approx([0.38, 0.78])


def test_bad_clips_are_skipped_with_their_reasons(job: ClipJob) -> None:
    source = job.corpus.clips()
    source[0].video.write_bytes(b"")
    source[1].sidecar.unlink()
    summary = build(job, ONE_EACH, workers=0)
    assert summary.prepared == 2
    assert "is empty" in summary.skipped["s1/bbaf2n"]
    assert "No landmarks" in summary.skipped["s1/lbaq7a"]
    lines = (job.output / "skipped.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["s1/bbaf2n", "s1/lbaq7a"]
    listed = {r.id for s in ("train", "val", "test") for r in _manifest(job, s)}
    assert listed == {"s1/pbav3s", "s1/sbahzp"}


def test_a_surprise_skips_the_clip_but_a_full_disk_stops(
    job: ClipJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    def surprise(*_args: object, **_options: object) -> None:
        raise ZeroDivisionError("in some decoder")

    monkeypatch.setattr(builder, "prepare_clip", surprise)
    reasons = build(job, ONE_EACH, workers=0).skipped.values()
    assert set(reasons) == {"ZeroDivisionError('in some decoder')"}

    def full(*_args: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(builder, "prepare_clip", full)
    with pytest.raises(OSError, match="No space left"):
        build(job, ONE_EACH, workers=0)


def test_an_interrupted_run_goes_on_where_it_stopped(
    job: ClipJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    def interrupted(root: Path, clip: PreparedClip) -> None:
        if len(written) == 2:
            raise KeyboardInterrupt
        write_clip(root, clip)
        written.append(clip.record.id)

    monkeypatch.setattr(builder, "write_clip", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build(job, ONE_EACH, workers=0)
    assert not (job.output / "corpus.json").exists()
    leftover = job.output / "clips" / "s1" / ".x.jpgs.1234.part"
    leftover.write_bytes(b"half")
    before = {p: p.stat().st_mtime_ns for p in (job.output / "clips").rglob("*.jpgs")}
    monkeypatch.setattr(builder, "write_clip", write_clip)
    summary = build(job, ONE_EACH, workers=0)
    assert (summary.kept, summary.prepared) == (2, 2)
    assert {p: p.stat().st_mtime_ns for p in before} == before
    assert not leftover.exists()
    assert len(_manifest(job, "train")) == 2


def test_a_resumed_corpus_equals_one_made_at_once(job: ClipJob, tmp_path: Path) -> None:
    build(job, Holdout(0, 0), workers=0, limit=2)
    build(job, ONE_EACH, workers=0)
    whole = ClipJob(job.corpus, tmp_path / "whole", side=64, landmarks="sidecar")
    build(whole, ONE_EACH, workers=0)
    assert contents(job.output) == contents(whole.output)


def test_outputs_do_not_depend_on_the_clock(
    job: ClipJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(job, ONE_EACH, workers=0)
    jumps = itertools.cycle([2e9, 1e6, 4e9])
    real = time.localtime
    monkeypatch.setattr(time, "time", lambda: next(jumps))
    monkeypatch.setattr(time, "localtime", lambda *_now: real(next(jumps)))
    later = dataclasses.replace(job, output=tmp_path / "later")
    for clip in job.corpus.clips():
        os.utime(clip.video, (1e9, 3e9))
    build(later, ONE_EACH, workers=0)
    assert contents(job.output) == contents(later.output)


def test_the_skipped_are_listed_in_the_order_of_the_corpus(job: ClipJob) -> None:
    class Backwards(LocalEngine):
        def outcomes(self, start: Start[AnyUnit], units: Sequence[AnyUnit]) -> Iterator[Outcome]:
            return super().outcomes(start, units[::-1])

    for clip in job.corpus.clips()[:3]:
        clip.sidecar.unlink()
    skipped = build(job, Holdout(0, 0), engine=Backwards(0)).skipped
    assert list(skipped) == [f"s1/{name}" for name in NAMES[:3]]


def test_other_settings_for_the_same_output_are_refused(job: ClipJob) -> None:
    build(job, ONE_EACH, workers=0, limit=3)
    other = ClipJob(job.corpus, job.output, side=128, landmarks="sidecar")
    with pytest.raises(CorpusError, match=r"was prepared with .*64.*, now asked for is .*128"):
        build(other, ONE_EACH, workers=0)


def test_a_detector_that_cannot_be_loaded_stops_at_once(job: ClipJob, tmp_path: Path) -> None:
    no_model = ClipJob(job.corpus, tmp_path / "other", side=64, landmarks="mediapipe")
    with pytest.raises(LandmarkModelError, match="--task"):
        build(no_model, ONE_EACH, workers=2)


def _manifest(job: ClipJob, split: str) -> list[ClipRecord]:
    path = job.output / f"{split}.jsonl"
    return read_manifest(job.output, split) if path.is_file() else []


def test_how_many_frames_are_searched_belongs_to_the_output(job: ClipJob) -> None:
    def settings(**changes: object) -> dict[str, object]:
        return dataclasses.replace(job, **changes).settings  # type: ignore[arg-type]

    assert "search_every" not in settings()
    assert "search_every" not in settings(landmarks="face-alignment")
    assert "search_every" not in settings(landmarks="mediapipe", search_every=1)
    assert settings(landmarks="mediapipe")["search_every"] == 4
    assert settings(landmarks="face-alignment", search_every=3)["search_every"] == 3
