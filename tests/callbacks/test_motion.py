"""Motion figures of a test whose frames say by their colour how far mouth and eyes are open."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from talkface.callbacks import motion as module_under_test
from talkface.callbacks.motion import MouthMotion, training_crops
from talkface.callbacks.table import TestTable
from talkface.data.datamodule import TalkFaceData
from talkface.data.layout import ClipReader, Corpus, read_manifest, write_clip, write_corpus
from talkface.data.windows import ClipDataset
from talkface.metrics.head import Movement, corner_distance, head_place
from talkface.metrics.opening import MotionAgreement, openings
from talkface.metrics.reader import FittedReader
from talkface.types import Window
from tests import fakes

SIDE = 16
NAMES = ("a", "b", "c", "d")
LENGTHS = (36, 34, 40, 38)
SEEDS = (0, 1, 4, 3)
"""Seed of every clip; they say the words 0, 1, 1 and 0."""

SPOKEN = 20
"""Frames of every clip whose middle lies in its word, from 0.4 s to 1.2 s."""

BIAS = 0.01
OTHERS = {"words": {"b": "a", "c": "a", "d": "c"}, "no words": {"b": "a", "c": "b", "d": "c"}}
"""Whose sound every clip is rendered with: the last one's that says another word."""


def colours(mouth: Tensor, eyes: Tensor, head: Tensor | float = 0.0) -> Tensor:
    """Frames in [0, 1] as red as the mouth is open, green as the eyes are, blue as the nose is."""
    levels = torch.stack([mouth, eyes, torch.as_tensor(head).expand_as(mouth)], dim=1)
    return levels[:, :, None, None].expand(-1, -1, SIDE, SIDE)


def heard(mfcc: Tensor) -> Tensor:
    """An opening in (0, 1) that follows the sound."""
    return torch.sigmoid(mfcc.mean((1, 2)) / 10)


class ColourReader:
    """Reads openings off the colour, the mouth a little too far open."""

    def __init__(self) -> None:
        self.lengths: list[int] = []

    def read(self, frames: Tensor) -> Movement:
        self.lengths.append(len(frames))
        head = frames[:, 2, 0, 0, None] * SIDE * torch.tensor([1.0, 1.0, 0.0])
        return Movement(frames[:, 0, 0, 0] + BIAS, frames[:, 1, 0, 0], head)


class Pupil(ColourReader):
    """Keeps what it is fitted on."""

    def __init__(self) -> None:
        super().__init__()
        self.lessons: list[tuple[Tensor, Tensor]] = []

    def fit(self, frames: Tensor, landmarks: Tensor) -> None:
        self.lessons.append((frames, landmarks))


class Rows(pl.LightningModule):
    """Rows with motions of which everything is known."""

    def test_step(self, window: Window, index: int) -> dict[str, Tensor]:
        mouth, eyes = openings(window.landmarks[0])
        head = head_place(window.landmarks[0])[:, 0] / SIDE
        return {
            "truth": colours(mouth, eyes, head),
            "copy": colours(mouth[:1].expand_as(mouth), eyes[:1].expand_as(eyes), head[0]),
            "half": colours(mouth / 2, eyes, head / 2),
            "late": colours(torch.cat([mouth[:1], mouth[:1], mouth[:-2]]), eyes),
            "babble": colours(torch.where(window.spoken[0], mouth, 1 - mouth), eyes),
        }


class Painter(Rows):
    """Paints the openings that it hears, and keeps what it was given to hear."""

    def __init__(self) -> None:
        super().__init__()
        self.driven: list[tuple[str, str, Tensor]] = []

    def drive(self, window: Window, drive: str) -> Tensor:
        self.driven.append((window.clip[0], drive, window.mfcc[0].clone()))
        said = heard(window.mfcc[0])
        return 2 * colours(said, said)[None] - 1


class Judged(NamedTuple):
    """What a test left behind."""

    root: Path
    table: TestTable
    reader: ColourReader
    model: Rows
    logged: dict[str, Any]

    def value(self, row: str, metric: str) -> float:
        return self.table.table.cells[row][metric].value

    def detail(self, row: str, part: str = "mouth") -> dict[str, Any]:
        detail: dict[str, Any] = self.table.table.details["motion"]["rows"][row][part]
        return detail


def trainer(folder: Path, **options: Any) -> pl.Trainer:
    return pl.Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )


def write(root: Path, words: Sequence[str]) -> Path:
    """Four test clips of different lengths whose mouths and lids move independently."""
    records = []
    for name, frames, seed in zip(NAMES, LENGTHS, SEEDS, strict=True):
        clip = fakes.clip(name, "test", frames=frames, side=SIDE, seed=seed)
        lids = torch.rand(frames, 1, generator=torch.Generator().manual_seed(seed)) * 0.9 + 0.1
        points = clip.landmarks.clone()
        for first in (36, 42):
            height = points[:, first : first + 6, 1]
            middle = height.mean(1, keepdim=True)
            points[:, first : first + 6, 1] = middle + lids * (height - middle)
        write_clip(root, replace(clip, landmarks=points))
        records.append(clip.record)
    write_corpus(root, Corpus("fake", SIDE, tuple(words)), records)
    return root


def judge(root: Path, output: Path, model: Rows, *, foreign: bool = True) -> Judged:
    table, reader = TestTable(output, strips=0), ColourReader()
    runner = trainer(output, callbacks=[table, MouthMotion(reader, foreign=foreign)])
    data = TalkFaceData(root, resolution=SIDE, workers=0)
    runner.test(model, datamodule=data, verbose=False)
    return Judged(root, table, reader, model, dict(runner.callback_metrics))


def start(callback: MouthMotion, folder: Path, data: TalkFaceData | None) -> None:
    """The start of a test with ``callback`` on ``data``."""
    callback.on_test_start(with_data(folder, data, callbacks=[TestTable(folder)]), Rows())


def with_data(folder: Path, data: TalkFaceData | None, **options: Any) -> pl.Trainer:
    """A trainer that has the datamodule which Lightning gives it when a test starts."""
    runner = trainer(folder, **options)
    vars(runner)["datamodule"] = data
    return runner


def windows(root: Path) -> dict[str, Window]:
    clips = ClipDataset(root, "test", SIDE)
    return dict(zip(NAMES, (clips[index] for index in range(len(clips))), strict=True))


def usable(root: Path) -> int:
    """Frames of all clips that can be rendered, spoken or not."""
    return sum(len(window.landmarks) for window in windows(root).values())


def shorter(window: Window, other: Window) -> int:
    return min(len(window.mfcc), len(other.mfcc))


@pytest.fixture(scope="module", params=OTHERS)
def judged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    words = fakes.WORDS if request.param == "words" else ()
    root = write(tmp_path_factory.mktemp("corpus"), words)
    return judge(root, tmp_path_factory.mktemp("results"), Painter())


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """A test without the control, of a model that could not render it."""
    root = write(tmp_path_factory.mktemp("corpus"), fakes.WORDS)
    return judge(root, tmp_path_factory.mktemp("results"), Rows(), foreign=False)


# -- the figures ------------------------------------------------------------------------------


def test_openings_that_equal_the_truth_correlate_fully_and_have_gain_one(alone: Judged) -> None:
    for metric in ("mouth_r", "mouth_gain", "eye_r", "eye_gain"):
        assert alone.value("truth", metric) == pytest.approx(1, abs=1e-5), metric
    assert alone.value("truth", "mouth_peak") == 0


def test_half_as_wide_a_mouth_has_half_the_gain_and_leaves_the_eyes_alone(alone: Judged) -> None:
    assert alone.value("half", "mouth_gain") == pytest.approx(0.5, abs=1e-5)
    assert alone.value("half", "mouth_r") == pytest.approx(1, abs=1e-5)
    assert alone.value("half", "eye_gain") == pytest.approx(1, abs=1e-5)


def test_a_head_is_compared_in_all_frames_and_has_no_gain_where_it_is_frozen(
    alone: Judged,
) -> None:
    frames = usable(alone.root)
    assert {alone.detail(row, "head")["frames"] for row in ("truth", "copy", "half")} == {frames}
    assert alone.value("truth", "head_r") == pytest.approx(1, abs=1e-5)
    assert alone.value("truth", "head_gain") == pytest.approx(1, abs=1e-5)
    assert alone.value("half", "head_r") == pytest.approx(1, abs=1e-5)
    assert alone.value("half", "head_gain") == pytest.approx(0.5, abs=1e-5)
    assert math.isnan(alone.value("copy", "head_r"))
    assert alone.value("copy", "head_gain") == pytest.approx(0, abs=1e-5)


def test_the_place_of_a_head_is_in_distances_of_the_true_eye_corners(alone: Judged) -> None:
    points = [clip.landmarks for clip in windows(alone.root).values()]
    off = [(head_place(p)[:, 0] - head_place(p)[:, 1]).abs() / corner_distance(p) for p in points]
    # The reader takes x for y, and sees no tilt.
    assert alone.detail("truth", "head")["error"] == pytest.approx(float(torch.cat(off).mean()))


def test_a_mouth_that_is_two_frames_late_has_lag_two(alone: Judged) -> None:
    assert alone.value("late", "mouth_peak") == 2
    assert alone.value("late", "mouth_r") < 0.9
    curve = alone.detail("late")["curve"]
    assert len(curve) == 11
    assert curve[5 + 2] == pytest.approx(1, abs=1e-5)


def test_only_spoken_frames_count(alone: Judged) -> None:
    assert alone.detail("babble")["frames"] == SPOKEN * len(NAMES)
    assert alone.value("babble", "mouth_r") == pytest.approx(1, abs=1e-5)
    assert alone.value("babble", "mouth_gain") == pytest.approx(1, abs=1e-5)
    assert alone.detail("babble")["error"] == pytest.approx(BIAS, abs=1e-5)


def test_a_still_row_is_read_once_and_has_no_gain(alone: Judged) -> None:
    assert alone.reader.lengths.count(1) == len(NAMES)
    assert len(alone.reader.lengths) == 5 * len(NAMES)
    assert math.isnan(alone.value("copy", "mouth_r"))
    assert alone.value("copy", "mouth_gain") == pytest.approx(0, abs=1e-5)
    assert alone.detail("copy")["frames"] == SPOKEN * len(NAMES)


def test_the_error_of_the_reader_itself_is_noted_below_the_table(alone: Judged) -> None:
    assert alone.detail("truth")["error"] == pytest.approx(BIAS, abs=1e-5)
    assert alone.detail("truth", "eyes")["error"] == pytest.approx(0, abs=1e-5)
    (note,) = alone.table.table.notes
    assert note.startswith("Openings are read by ColourReader, in spoken frames.")
    assert "mouth 0.0100 (r 1.000, gain 1.00), eyes 0.0000 (r 1.000, gain 1.00), 80 fr" in note
    assert f"(r 1.000, gain 1.00), {usable(alone.root)} frames." in note


def test_figures_are_written_into_the_files_of_the_table_and_logged(alone: Judged) -> None:
    content = json.loads((alone.table.output / "table.json").read_text())
    assert content["rows"]["half"]["mouth_gain"]["value"] == pytest.approx(0.5, abs=1e-5)
    assert content["rows"]["copy"]["mouth_r"]["value"] is None
    assert content["details"]["motion"]["reader"] == "ColourReader"
    assert content["details"]["motion"]["rows"]["late"]["mouth"]["peak"] == 2
    assert alone.logged["test/half/mouth_gain"].item() == pytest.approx(0.5, abs=1e-5)
    assert "test/copy/mouth_r" not in alone.logged
    assert "Openings are read by" in (alone.table.output / "table.md").read_text()


def test_every_clip_keeps_its_own_correlation_and_gain(alone: Judged) -> None:
    r, gain = (alone.table.table.cells["half"][metric] for metric in ("mouth_r", "mouth_gain"))
    assert dict(r.clips) == pytest.approx(dict.fromkeys(NAMES, 1), abs=1e-5)
    assert dict(gain.clips) == pytest.approx(dict.fromkeys(NAMES, 0.5), abs=1e-5)
    assert set(alone.table.table.details["pooled"]) >= {"mouth_r", "mouth_gain", "eye_gain"}


def test_margins_are_bootstrapped_over_clips(alone: Judged) -> None:
    late = alone.table.table.cells["late"]["mouth_r"]
    low, high = min(late.clips.values()), max(late.clips.values())
    assert 0 < late.margin < (high - low) / 2
    assert alone.table.table.cells["half"]["mouth_r"].margin == pytest.approx(0, abs=1e-5)
    assert math.isnan(alone.table.table.cells["copy"]["mouth_r"].margin)


class Pointing(ColourReader):
    """Points whose lips are as far apart as a frame is red."""

    def landmarks(self, frames: Tensor) -> Tensor:
        points = torch.zeros(len(frames), 68, 2)
        points[:, 45, 0] = 1
        points[:, 66, 1] = frames[:, 0, 0, 0] + 3 * BIAS
        return points


def test_landmarks_that_the_table_has_read_are_not_read_again(tmp_path: Path) -> None:
    root = write(tmp_path / "corpus", fakes.WORDS)
    table, reader = TestTable(tmp_path, 0, reader=Pointing()), Pointing()
    runner = trainer(tmp_path, callbacks=[table, MouthMotion(reader, foreign=False)])
    runner.test(Rows(), datamodule=TalkFaceData(root, resolution=SIDE, workers=0), verbose=False)
    assert reader.lengths == []
    rows = table.table.details["motion"]["rows"]
    assert rows["truth"]["mouth"]["error"] == pytest.approx(3 * BIAS, abs=1e-5)


# -- the control ------------------------------------------------------------------------------


def test_without_the_control_nothing_is_rendered(alone: Judged) -> None:
    assert "foreign" not in alone.table.table.rows()


def test_the_control_hears_the_last_clip_that_says_another_word(judged: Judged) -> None:
    clips = windows(judged.root)
    labels = {name: int(clip.label) for name, clip in clips.items()}
    spoken_words = dict(zip(NAMES, (0, 1, 1, 0), strict=True))
    with_words = labels == spoken_words
    assert with_words or set(labels.values()) == {-1}
    others = OTHERS["words" if with_words else "no words"]
    assert isinstance(judged.model, Painter)
    assert {drive for _, drive, _ in judged.model.driven} == {"audio"}
    assert {name for name, _, _ in judged.model.driven} == set(others)
    for name, other in others.items():
        parts = [mfcc for clip, _, mfcc in judged.model.driven if clip == name]
        length = shorter(clips[name], clips[other])
        torch.testing.assert_close(torch.cat(parts), clips[other].mfcc[:length])


def test_the_control_is_compared_with_the_truth_of_the_clip_it_dubs(judged: Judged) -> None:
    clips, metric = windows(judged.root), MotionAgreement()
    others = OTHERS["words" if int(clips["a"].label) >= 0 else "no words"]
    for name, other in others.items():
        length = shorter(clips[name], clips[other])
        said = (heard(clips[other].mfcc[:length]) * 255).round() / 255
        truth = openings(clips[name].landmarks).mouth
        metric.update(said + BIAS, truth[:length], clips[name].spoken[:length])
    expected = metric.compute()
    assert judged.detail("foreign")["frames"] == SPOKEN * len(others)
    assert judged.value("foreign", "mouth_r") == pytest.approx(expected.r.item(), abs=1e-3)
    assert judged.value("foreign", "mouth_gain") == pytest.approx(expected.gain.item(), rel=1e-3)
    assert abs(expected.r.item()) < 0.9


# -- before a test ----------------------------------------------------------------------------


def test_motion_without_a_table_says_what_to_add(tmp_path: Path) -> None:
    with pytest.raises(
        RuntimeError, match="MouthMotion works on TestTable's table: add TestTable to the callbacks"
    ):
        MouthMotion(ColourReader()).on_test_start(trainer(tmp_path), Rows())


def test_a_reader_is_fitted_on_training_crops_when_a_test_starts(
    prepared: Path, tmp_path: Path
) -> None:
    pupil = Pupil()
    start(MouthMotion(pupil, crops=12), tmp_path, TalkFaceData(prepared, batch_size=2, workers=0))
    ((frames, landmarks),) = pupil.lessons
    assert frames.shape == (12, 3, 64, 64)
    assert landmarks.shape == (12, 68, 2)


def test_the_reader_is_one_to_be_fitted_unless_another_is_given() -> None:
    assert isinstance(MouthMotion().reader, FittedReader)


def test_training_crops_come_from_several_epochs_when_one_does_not_hold_enough(
    prepared: Path, tmp_path: Path
) -> None:
    data = TalkFaceData(prepared, frames=20, batch_size=2, workers=0)
    frames, landmarks = training_crops(with_data(tmp_path, data), 50)
    assert len(frames) == len(landmarks) == 50
    one_epoch = 4 * 5
    assert len(frames.unique(dim=0)) > 1.5 * one_epoch


def test_training_crops_end_after_the_last_epoch(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module_under_test, "EPOCHS", 2)
    data = TalkFaceData(prepared, frames=20, batch_size=2, workers=0)
    frames, _ = training_crops(with_data(tmp_path, data), 1000)
    assert len(frames) == 2 * 4 * 5


def test_training_crops_are_pictures_of_the_training_split_with_their_own_landmarks(
    prepared: Path, tmp_path: Path
) -> None:
    readers = [ClipReader(prepared, record) for record in read_manifest(prepared, "train")]
    pictures = torch.cat([reader.frames(range(40)) for reader in readers])
    points = torch.cat([reader.landmarks() for reader in readers])
    data = TalkFaceData(prepared, frames=20, batch_size=2, workers=0)
    frames, landmarks = training_crops(with_data(tmp_path, data), 20)
    for crop, marks in zip((frames * 255).round(), landmarks, strict=True):
        (index,) = (pictures == crop).flatten(1).all(1).nonzero().flatten().tolist()
        torch.testing.assert_close(marks, points[index])


def test_a_reader_cannot_be_fitted_without_a_datamodule(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"without a datamodule: test with `TalkFaceData`"):
        start(MouthMotion(Pupil()), tmp_path, None)
