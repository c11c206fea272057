import json
from pathlib import Path

import numpy as np
import pytest
import torch

from data_prep.build import ClipJob, build
from data_prep.corpora import GridCorpus
from data_prep.rules import Rules
from data_prep.splits import Holdout
from talkface.data.layout import ClipReader, WordSpan, read_manifest
from talkface.data.media import read_video, write_video
from tests.data_prep.trees import grid_tree
from tests.faces.drawn import draw, face_points, placed

FRAMES, CUT = 75, 30
WORDS = "0 2500 sil\n2500 22500 bin\n22500 32500 blue\n42500 52500 at\n52500 75000 sil\n"
SPLIT = Rules(gaps="split")


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A clip whose scene changes at frame 30, in ``blue``; its sound counts the frames."""
    root = grid_tree(tmp_path / "raw", {"s1": ("bbaf2n",)})
    first = [placed(face_points(), 60.0, (20 + t / 2, 20)) for t in range(CUT)]
    second = [placed(face_points(), 70.0, (120 + t / 4, 60)) for t in range(FRAMES - CUT)]
    walls = torch.randint(0, 120, (2, 3, 20, 25), generator=torch.Generator().manual_seed(0))
    walls = walls.repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)
    walls[1] += 80
    frames = [draw(points) // 4 + walls[0] for points in first]
    frames += [draw(points) // 4 + walls[1] for points in second]
    sound = torch.arange(FRAMES).repeat_interleave(640).mul(100).to(torch.int16)
    write_video(root / "s1" / "bbaf2n.mp4", torch.stack(frames).to(torch.uint8), sound)
    save_points(root, torch.stack(first + second))
    (root / "align" / "s1" / "bbaf2n.align").write_text(WORDS)
    return root


def save_points(raw: Path, points: torch.Tensor) -> None:
    np.save(raw / "s1" / "bbaf2n.landmarks.npy", points.numpy())


def job(raw: Path, rules: Rules) -> ClipJob:
    output = raw.parent / f"out-{rules.gaps}"
    return ClipJob(GridCorpus(raw), output, side=64, landmarks="sidecar", rules=rules)


def test_a_cut_skips_the_clip_and_says_where_it_is(raw: Path) -> None:
    summary = build(job(raw, Rules()), Holdout(0, 0), workers=0)
    (reason,) = summary.skipped.values()
    assert "Another scene begins at frame 30 of 75: the picture changes by" in reason


def test_a_cut_splits_the_clip_with_its_sound_and_its_whole_words(raw: Path) -> None:
    mine = job(raw, SPLIT)
    assert build(mine, Holdout(0, 0), workers=0).prepared == 1
    one, two = read_manifest(mine.output, "train")
    assert (one.id, one.frames, one.samples) == ("s1/bbaf2n-1", 30, 19_200)
    assert (two.id, two.frames) == ("s1/bbaf2n-2", 45)
    assert one.words == (WordSpan("bin", 0.1, 0.9),)
    (at,) = two.words
    assert at.word == "at"
    assert [at.start, at.end] == pytest.approx([0.5, 0.9])
    reader = ClipReader(mine.output, two)
    levels = reader.sound()[: 45 * 640 - 640].float().view(-1, 640).mean(dim=1) / 100
    torch.testing.assert_close(levels, torch.arange(30.0, 74.0), atol=0.9, rtol=0)
    whole = read_video(raw / "s1" / "bbaf2n.mp4")
    assert whole[30:].float().mean() - whole[:30].float().mean() > 60
    assert reader.frames(range(1)).float().mean() > whole[:30].float().mean() + 40


def test_parts_are_found_again(raw: Path) -> None:
    mine = job(raw, SPLIT)
    build(mine, Holdout(0, 0), workers=0)
    before = (mine.output / "train.jsonl").read_bytes()
    assert build(mine, Holdout(0, 0), workers=0).kept == 1
    assert (mine.output / "train.jsonl").read_bytes() == before
    (mine.output / "clips" / "s1" / "bbaf2n-2.json").unlink()
    assert build(mine, Holdout(0, 0), workers=0).prepared == 1
    assert (mine.output / "train.jsonl").read_bytes() == before


def test_frames_without_a_face_are_left_out_of_the_parts(raw: Path) -> None:
    points = torch.from_numpy(np.load(raw / "s1" / "bbaf2n.landmarks.npy"))
    points[26:40] = torch.nan
    points[50:53] = torch.nan
    save_points(raw, points)
    mine = job(raw, SPLIT)
    build(mine, Holdout(0, 0), workers=0)
    one, two = read_manifest(mine.output, "train")
    assert (one.frames, two.frames) == (26, 35)
    assert two.words[0].start == pytest.approx(1.7 - 40 / 25)


def test_nothing_left_is_told_with_all_that_was_found(raw: Path) -> None:
    points = torch.from_numpy(np.load(raw / "s1" / "bbaf2n.landmarks.npy"))
    points[10:70] = torch.nan
    save_points(raw, points)
    mine = job(raw, SPLIT)
    build(mine, Holdout(0, 0), workers=0)
    (line,) = (mine.output / "skipped.jsonl").read_text().splitlines()
    reason = json.loads(line)["reason"]
    assert "No part of 15 frames is left. No face in frames" in reason
    assert "Another scene begins at frame 30 of 75" in reason


def test_only_unusual_rules_are_settings_of_the_folder(raw: Path) -> None:
    assert job(raw, Rules()).settings == {"corpus": "grid", "side": 64, "landmarks": "sidecar"}
    assert job(raw, SPLIT).settings["gaps"] == "split"
