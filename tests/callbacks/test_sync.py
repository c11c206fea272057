"""Sync figures of a test whose lips are known to be late."""

from pathlib import Path
from typing import NamedTuple

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from talkface.callbacks import OwnSync, TestTable
from talkface.data.datamodule import TalkFaceData
from talkface.metrics.image import unit
from talkface.types import Window

SIDE, LATE = 16, 3


class Codes(NamedTuple):
    """Lip codes, as a video encoder gives them."""

    lips: Tensor


class Muttering(pl.LightningModule):
    """Shows in four pixels of every frame what it hears; driven by video, some frames too late."""

    def test_step(self, window: Window, index: int) -> dict[str, Tensor]:
        heard = self.encode_audio(window.mfcc)[0]
        frames = unit(window.frames[0]).clone()
        frames[:, 0, 0, : heard.shape[1]] = ((heard + 1) * 127.5).round() / 255
        return {
            "truth": frames,
            "video": frames.roll(LATE, 0),
            "copy": frames[:1].expand_as(frames),
        }

    def encode_audio(self, mfcc: Tensor) -> Tensor:
        heard = mfcc.mean(3)[..., :4]
        return torch.tanh((heard - heard.mean(1)) / heard.std(1) / 2)

    def encode_video(self, frames: Tensor) -> Codes:
        return Codes(frames[:, :, 0, 0, :4])


def run(folder: Path, root: Path, model: pl.LightningModule, *callbacks: pl.Callback) -> None:
    trainer = pl.Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=list(callbacks),
    )
    data = TalkFaceData(root, resolution=SIDE, workers=0, test_split="train", limit=2)
    trainer.test(model, datamodule=data, verbose=False)


def test_the_lag_of_late_lips_is_found_for_every_clip(prepared: Path, tmp_path: Path) -> None:
    table = TestTable(tmp_path, strips=0, kept=0)
    run(tmp_path, prepared, Muttering(), table, OwnSync())
    cells = table.table.cells
    assert dict(cells["truth"]["sync_offset"].clips) == {"s0/clip0": 0, "s1/clip1": 0}
    assert dict(cells["video"]["sync_offset"].clips) == {"s0/clip0": LATE, "s1/clip1": LATE}
    assert cells["truth"]["sync_confidence"].value > 0.2
    assert cells["copy"]["sync_confidence"].value == pytest.approx(0, abs=1e-6)


def test_a_model_without_codes_is_refused(prepared: Path, tmp_path: Path) -> None:
    class Mute(pl.LightningModule):
        def test_step(self, window: Window, index: int) -> dict[str, Tensor]:
            return {"truth": unit(window.frames[0])}

    with pytest.raises(TypeError, match="Mute has no codes of lips and sound"):
        run(tmp_path, prepared, Mute(), TestTable(tmp_path, strips=0, kept=0), OwnSync())


def test_figures_need_a_table_to_go_into(prepared: Path, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="OwnSync works on TestTable's table"):
        run(tmp_path, prepared, Muttering(), OwnSync())
