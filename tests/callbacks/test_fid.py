"""FID of a test whose features are the colours of its frames."""

from pathlib import Path

import pytest
import pytorch_lightning as pl
from torch import Tensor, nn

from talkface.callbacks import RowFid, TestTable
from talkface.data.datamodule import TalkFaceData
from talkface.metrics.image import unit
from talkface.metrics.perceptual import PooledFid
from talkface.types import Window

SIDE = 16
SHIFT = 51
"""Levels by which one row is darker."""


class Colours(nn.Module):
    """Three features of a picture: the means of its channels."""

    def forward(self, frames: Tensor) -> Tensor:
        return frames.float().mean((2, 3))


class Shifter(pl.LightningModule):
    """Renders the truth, once as it is and once darker."""

    def test_step(self, window: Window, index: int) -> dict[str, Tensor]:
        truth = 0.25 + unit(window.frames[0]) / 2
        truth = (truth * 255).round() / 255
        return {"truth": truth, "copy": truth.clone(), "video": truth - SHIFT / 255}


def run(folder: Path, root: Path, *callbacks: pl.Callback) -> None:
    trainer = pl.Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=list(callbacks),
    )
    data = TalkFaceData(root, resolution=SIDE, workers=0, test_split="train", limit=2)
    trainer.test(Shifter(), datamodule=data, verbose=False)


def test_the_distance_of_equally_spread_features_is_that_of_their_means(
    prepared: Path, tmp_path: Path
) -> None:
    table, fid = TestTable(tmp_path, 0, kept=0), RowFid(PooledFid(Colours(), dim=3))
    for _ in range(2):  # the second test has forgotten the first
        run(tmp_path, prepared, table, fid)
        cells = table.table.cells
        assert cells["copy"]["fid"].value == pytest.approx(0, abs=1e-2)
        assert cells["video"]["fid"].value == pytest.approx(3 * SHIFT**2, rel=1e-3)
        assert "fid" not in cells["truth"]


def test_figures_need_a_table_to_go_into(prepared: Path, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="RowFid works on TestTable's table"):
        run(tmp_path, prepared, RowFid(PooledFid(Colours(), dim=3)))
