"""The table of a real, small test whose errors are known."""

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import avg_pool2d

from talkface.callbacks.table import TestTable, protocol, score
from talkface.data.datamodule import TalkFaceData
from talkface.figures import GAP
from talkface.metrics.cpbd import cpbd
from talkface.metrics.image import unit
from talkface.metrics.table import Cell
from talkface.types import Window
from tests import fakes

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


def measure(table: TestTable, root: Path, clips: int) -> Outcome:
    data = TalkFaceData(root, resolution=SIDE, workers=0, test_split="train", limit=clips)
    runner = trainer(table.output, callbacks=[table])
    runner.test(Shifter(), datamodule=data, verbose=False)
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
    assert written == {"value": None, "ci95": None, "clips": dict.fromkeys(ERRORS)}


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
    assert lines[0] == "|  | PSNR [dB] | SSIM | CPBD | holes [‰] |"
    assert lines[2] == "| ground truth | ∞ | 1.000 ± 0.000 | – | 0.000 ± 0.000 |"
    assert lines[4].startswith("| video-driven | 30.00 ± 19.60 | ")


def test_nothing_but_table_and_strip_is_written(outcome: Outcome) -> None:
    names = sorted(path.name for path in outcome.table.output.iterdir())
    assert names == ["strip.png", "table.json", "table.md"]


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


def test_the_sharpness_of_a_row_is_its_own() -> None:
    points = fakes.landmarks(torch.tensor([0.2, 0.8]), side=64)
    truth = fakes.paint(points, 64, fakes.SKIN["anna"]) / 255
    soft = avg_pool2d(truth, 5, 1, 2, count_include_pad=False)
    assert score(soft, truth)["cpbd"] == pytest.approx(float(cpbd(soft).mean()))
    assert score(soft, truth)["cpbd"] < score(truth, truth)["cpbd"]


def test_the_holes_of_a_row_are_those_that_the_truth_does_not_have() -> None:
    truth = torch.full((2, 3, SIDE, SIDE), 0.5)
    spotted = truth.clone()
    spotted[0, :, 10, 20] = 0.8
    assert score(spotted, truth)["holes"] == pytest.approx(1000 / SIDE**2 / 2)
    assert score(truth, spotted)["holes"] == score(spotted, spotted)["holes"] == 0


def test_the_protocol_names_the_seed_and_no_corpus_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PL_GLOBAL_SEED", "7")
    told = protocol(trainer(tmp_path), SIDE, {"a": 3, "b": 4})
    assert (told["corpus"], told["clips"], told["frames"], told["seed"]) == (None, 2, 7, 7)
    monkeypatch.delenv("PL_GLOBAL_SEED")
    assert protocol(trainer(tmp_path), SIDE, {})["seed"] is None
