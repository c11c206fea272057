"""The table of a real, small test whose errors are known."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from PIL import Image
from torch import Tensor

from talkface.callbacks.table import TestTable, facts, protocol
from talkface.data.datamodule import TalkFaceData
from talkface.data.layout import read_manifest
from talkface.data.renderings import Renderings, kept_clips
from talkface.data.windows import ClipDataset
from talkface.figures import GAP
from talkface.metrics.head import Movement
from talkface.metrics.image import unit
from talkface.metrics.judge import BrokenFramesError, Shown
from talkface.metrics.table import Cell, ResultTable
from talkface.types import Window

SIDE = 32
FRAMES = 35
"""Frames of a fake clip that have enough sound around them."""

ERRORS = {"s0/clip0": 0.1, "s1/clip1": 0.01}
"""Constant error of the video-driven frames: PSNR is 20 and 40 dB."""


class Shifter(pl.LightningModule):
    """Renders the truth with a constant error."""

    def test_step(self, window: Window, index: int) -> dict[str, Tensor]:
        truth = 0.25 + unit(window.frames[0]) / 2
        return {
            "truth": truth,
            "copy": truth - 0.2,
            "video": truth + ERRORS[window.clip[0]],
        }


class Outcome(NamedTuple):
    """What a test left behind."""

    table: TestTable
    logged: dict[str, Any]

    def cell(self, row: str, metric: str) -> Cell:
        return self.table.table.cells[row][metric]

    def content(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.table.output / "table.json").read_text())
        return content


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


def measure(
    table: TestTable, root: Path, clips: int, model: pl.LightningModule | None = None
) -> Outcome:
    data = TalkFaceData(root, resolution=SIDE, workers=0, test_split="train", limit=clips)
    runner = trainer(table.output, callbacks=[table])
    runner.test(model or Shifter(), datamodule=data, verbose=False)
    return Outcome(table, dict(runner.callback_metrics))


@pytest.fixture(scope="module")
def outcome(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Two clips measured, the first of them shown."""
    output = tmp_path_factory.mktemp("tested") / "results"
    return measure(TestTable(output, strips=1, columns=2), prepared, clips=2)


def test_the_psnr_of_a_constant_error_is_known_and_kept_for_every_clip(outcome: Outcome) -> None:
    video = outcome.cell("video", "psnr")
    assert dict(video.clips) == pytest.approx({"s0/clip0": 20, "s1/clip1": 40}, abs=1e-3)
    assert video.value == pytest.approx(30, abs=1e-3)
    assert outcome.cell("copy", "psnr").value == pytest.approx(-20 * math.log10(0.2), abs=1e-3)


def test_frames_that_equal_the_truth_have_no_finite_psnr_and_ssim_one(outcome: Outcome) -> None:
    assert outcome.cell("truth", "psnr").value == math.inf
    assert outcome.cell("truth", "ssim").value == pytest.approx(1)
    assert outcome.cell("copy", "ssim").value < 0.99
    written = outcome.content()["rows"]["truth"]["psnr"]
    assert written == {"value": "inf", "ci95": None, "clips": dict.fromkeys(ERRORS, "inf")}


class Diverged(Shifter):
    """Renders something that is no picture in one frame."""

    def test_step(self, window: Window, index: int) -> dict[str, Tensor]:
        rows = super().test_step(window, index)
        rows["video"][1, 0, 3, 3] = torch.nan
        return rows


def test_frames_that_are_no_pictures_end_the_test(prepared: Path, tmp_path: Path) -> None:
    with pytest.raises(BrokenFramesError, match=r"1 of \d+ frames of clip s0/clip0, row 'video'"):
        measure(TestTable(tmp_path), prepared, clips=1, model=Diverged())
    assert not (tmp_path / "table.json").exists()


def test_frames_smaller_than_a_block_have_no_cpbd(outcome: Outcome) -> None:
    assert math.isnan(outcome.cell("video", "cpbd").value)
    assert outcome.content()["rows"]["video"]["cpbd"]["value"] is None


def test_the_json_file_holds_mean_interval_and_every_clip(outcome: Outcome) -> None:
    content = outcome.content()
    assert list(content["rows"]) == ["truth", "copy", "video"]
    psnr = content["rows"]["video"]["psnr"]
    assert psnr["value"] == pytest.approx(30, abs=1e-3)
    assert psnr["ci95"] == pytest.approx([30 - 19.6, 30 + 19.6], abs=1e-2)
    assert psnr["clips"] == pytest.approx({"s0/clip0": 20, "s1/clip1": 40}, abs=1e-3)


def test_the_markdown_file_shows_the_same(outcome: Outcome) -> None:
    lines = (outcome.table.output / "table.md").read_text().splitlines()
    assert lines[0] == "|  | PSNR [dB] ↑ | SSIM ↑ | CPBD ↑ | holes [‰] ↓ | flicker [levels] ↓ |"
    assert lines[2] == "| ground truth | ∞ | 1.000 ± 0.000 | – | 0.000 ± 0.000 | 0.00 ± 0.00 |"
    assert lines[4].startswith("| video-driven | 30.00 ± 19.60 | ")


def test_table_breakdown_strip_and_renderings_are_written_and_nothing_else(
    outcome: Outcome,
) -> None:
    names = sorted(path.name for path in outcome.table.output.iterdir())
    assert names == [
        *("breakdown.csv", "breakdown.md", "clips.csv", "renderings", "strip.png"),
        *("table.csv", "table.json", "table.md", "table.tex"),
    ]


def test_the_table_knows_word_and_speaker_of_every_clip(prepared: Path, outcome: Outcome) -> None:
    table = ResultTable.read(outcome.table.output)
    records = {record.id: record for record in read_manifest(prepared, "train")}
    assert table.clips == {
        clip: {"word": records[clip].words[0].word, "speaker": records[clip].speaker}
        for clip in ERRORS
    }
    assert "video-driven, by word" in (outcome.table.output / "breakdown.md").read_text()


def test_renderings_of_the_first_clips_are_kept_with_their_sound(
    prepared: Path, tmp_path: Path
) -> None:
    outcome = measure(TestTable(tmp_path, strips=0, kept=1), prepared, clips=2)
    assert kept_clips(tmp_path) == ["s0/clip0"]
    kept = Renderings.read(tmp_path, "s0/clip0")
    clips = ClipDataset(prepared, "train", SIDE)
    assert torch.equal(kept.sound, clips.sound("s0/clip0"))
    assert torch.equal(kept.identity, clips[0].identity)
    error = kept.rows["video"].float() - kept.rows["truth"].float()
    assert float(error.mean()) == pytest.approx(255 * ERRORS["s0/clip0"], abs=0.5)
    assert list(kept.rows) == list(outcome.table.table.cells)


class Echo:
    """A judge that keeps what it is shown."""

    metrics = ("echo",)

    def __init__(self) -> None:
        self.seen: list[tuple[Shown, Shown]] = []

    def __call__(self, shown: Shown, truth: Shown) -> dict[str, float]:
        self.seen.append((shown, truth))
        return {"echo": float(len(self.seen))}


class Pointer:
    """A reader whose points say how bright a frame is."""

    def landmarks(self, frames: Tensor) -> Tensor:
        return frames.mean((1, 2, 3))[:, None, None].expand(-1, 68, 2)

    def read(self, frames: Tensor) -> Movement:
        raise NotImplementedError


def test_judges_see_every_row_with_its_landmarks_and_sound(prepared: Path, tmp_path: Path) -> None:
    echo = Echo()
    table = TestTable(tmp_path, strips=0, kept=0, judges=[echo], reader=Pointer(), notes=["Hm."])
    outcome = measure(table, prepared, clips=1)
    assert [outcome.cell(row, "echo").value for row in ("truth", "copy", "video")] == [1, 2, 3]
    sound = ClipDataset(prepared, "train", SIDE).sound("s0/clip0")
    truth = echo.seen[0][0]
    for shown, beside in echo.seen:
        assert beside is truth
        assert shown.landmarks is not None
        torch.testing.assert_close(shown.landmarks[:, 0, 0], shown.frames.mean((1, 2, 3)))
        assert shown.sound is not None
        assert torch.equal(shown.sound, sound)
    assert outcome.content()["notes"] == ["Hm."]
    assert not (tmp_path / "renderings").exists()


def test_a_clip_of_several_words_has_no_word_of_its_own(prepared: Path, tmp_path: Path) -> None:
    data = TalkFaceData(prepared, workers=0, test_split="train")
    data.setup("test")
    runner = trainer(tmp_path)
    vars(runner)["datamodule"] = data
    record = data.test.records[0]
    two = (record.words[0], replace(record.words[0], word="OTHER"))
    data.test.named[record.id] = replace(record, words=two, emotion="ANG")
    assert facts(runner, [record.id]) == {record.id: {"emotion": "ANG", "speaker": record.speaker}}
    assert facts(trainer(tmp_path), [record.id]) == {}


def test_the_protocol_tells_corpus_clips_frames_and_side(prepared: Path, outcome: Outcome) -> None:
    told = outcome.content()["protocol"]
    assert told["corpus"] == prepared.name
    assert told["clips"] == 2
    assert told["frames"] == 2 * FRAMES
    assert told["side"] == SIDE
    assert told["checkpoint"] is None


def test_finite_means_are_logged_by_row_and_metric(outcome: Outcome) -> None:
    psnr = {name: value.item() for name, value in outcome.logged.items() if "psnr" in name}
    assert psnr == pytest.approx(
        {"test/copy/psnr": -20 * math.log10(0.2), "test/video/psnr": 30}, abs=1e-3
    )
    assert "test/truth/ssim" in outcome.logged
    assert not any("cpbd" in name for name in outcome.logged)


def test_the_strip_shows_identity_truth_and_video_of_the_first_clip(outcome: Outcome) -> None:
    with Image.open(outcome.table.output / "strip.png") as image:
        picture = torch.from_numpy(np.array(image)).float()
    tile = 4 * SIDE + GAP
    assert picture.shape[0] == 3 * tile
    left = picture.shape[1] - 2 * tile
    identity, truth, video = (
        picture[row * tile : (row + 1) * tile - GAP, left : left + tile - GAP].mean((0, 1))
        for row in range(3)
    )
    torch.testing.assert_close(video - truth, torch.full((3,), 25.5), atol=0.2, rtol=0)
    torch.testing.assert_close(truth, 63.75 + identity / 2, atol=3.0, rtol=0)


def test_a_test_forgets_the_one_before(prepared: Path, tmp_path: Path) -> None:
    table = TestTable(tmp_path, strips=0)
    for clips in (2, 1):
        outcome = measure(table, prepared, clips)
    assert list(outcome.cell("video", "psnr").clips) == ["s0/clip0"]
    assert outcome.content()["protocol"]["frames"] == FRAMES
    assert not (tmp_path / "strip.png").exists()


@pytest.mark.parametrize(
    ("outputs", "got"),
    [(None, "None"), (torch.zeros(1), "tensor"), ({"video": torch.zeros(1)}, r"\['video'\]")],
    ids=["nothing", "a tensor", "no truth"],
)
def test_outputs_that_are_no_rows_are_refused(
    outputs: object, got: str, prepared: Path, tmp_path: Path
) -> None:
    data = TalkFaceData(prepared, workers=0)
    data.setup("test")
    window = next(iter(data.test_dataloader()))
    with pytest.raises(TypeError, match=rf"a dict of frames by row, `truth` among them.*{got}"):
        TestTable(tmp_path).on_test_batch_end(trainer(tmp_path), Shifter(), outputs, window, 0)


def test_the_protocol_names_the_seed_and_no_corpus_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PL_GLOBAL_SEED", "7")
    told = protocol(trainer(tmp_path), SIDE, {"a": 3, "b": 4})
    assert (told["corpus"], told["clips"], told["frames"], told["seed"]) == (None, 2, 7, 7)
    monkeypatch.delenv("PL_GLOBAL_SEED")
    assert protocol(trainer(tmp_path), SIDE, {})["seed"] is None
