"""The identity rank of rows whose colour says whom they show."""

from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from talkface.callbacks.identity import IdentityRank
from talkface.callbacks.table import TestTable
from talkface.data.datamodule import TalkFaceData
from talkface.metrics.table import ResultTable
from talkface.types import Window

SIDE = 16
RED, GREEN = torch.eye(3)[0], torch.eye(3)[1]


def colour(frames: Tensor) -> Tensor:
    return frames.mean((2, 3))


class Painter(pl.LightningModule):
    """Truth is red for one speaker and green for the other; the video is always red."""

    def test_step(self, window: Window, index: int) -> dict[str, Tensor]:
        shape = window.frames[0].shape
        true = RED if window.clip[0].startswith("s0/") else GREEN
        truth = true.view(3, 1, 1).expand(shape)
        return {"truth": truth, "copy": truth, "video": RED.view(3, 1, 1).expand(shape)}


def run(folder: Path, root: Path, clips: int) -> ResultTable:
    table = TestTable(folder, strips=0, kept=0, judges=[])
    runner = pl.Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[table, IdentityRank(colour)],
    )
    data = TalkFaceData(root, resolution=SIDE, workers=0, test_split="train", limit=clips)
    runner.test(Painter(), datamodule=data, verbose=False)
    return table.table


def test_only_clips_that_show_their_own_speaker_are_recognised(
    prepared: Path, tmp_path: Path
) -> None:
    table = run(tmp_path, prepared, clips=4)
    ranks = {row: table.get(row, "identity_rank").value for row in table.rows()}
    assert ranks == {"truth": 100, "copy": 100, "video": 50}
    video = table.get("video", "identity_rank").clips
    assert {clip: value for clip, value in video.items() if value} == {
        "s0/clip0": 100,
        "s0/clip2": 100,
    }
    assert table.protocol["test identities"] == 2
    assert "identity rank [%]" in table.protocol


def test_one_speaker_leaves_the_rank_out_and_the_table_says_why(
    prepared: Path, tmp_path: Path
) -> None:
    table = run(tmp_path, prepared, clips=1)
    assert "identity_rank" not in table.metrics()
    (note,) = table.notes
    assert note.startswith("The identity rank is left out: it needs at least two speakers")
    assert "names 1 for the 1 clips" in note


def test_a_rank_needs_a_table_to_go_into(tmp_path: Path) -> None:
    trainer = pl.Trainer(accelerator="cpu", logger=False, default_root_dir=tmp_path)
    with pytest.raises(RuntimeError, match="IdentityRank works on TestTable's table"):
        IdentityRank(colour).on_test_start(trainer, Painter())
