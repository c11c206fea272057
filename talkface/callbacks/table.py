"""The table of test results."""

import math
import os
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.utilities import rank_zero_info
from torch import Tensor

from talkface.callbacks.shared import detached, gather, names
from talkface.figures import save_png, stack, strip
from talkface.metrics.cpbd import BLOCK, cpbd
from talkface.metrics.holes import holes
from talkface.metrics.image import clip_psnr, frame_ssim, unit
from talkface.metrics.table import ROWS, Cell, ResultTable
from talkface.types import Window

METRICS = ("psnr", "ssim", "cpbd", "holes")

Scores = dict[str, dict[str, float]]
"""Figures of one clip by row, then metric."""


class TestTable(Callback):
    """PSNR, SSIM, CPBD and holes of every row that ``test_step`` returns, as a table and as strips.

    ``test_step`` renders one whole clip and returns its frames by row, among them ``truth``, as
    floats in [0, 1] that lie on the 256 levels of a picture file. At the end ``table.json``,
    ``table.md`` and ``strip.png`` lie in ``output``, the table is printed, and every mean is
    logged as ``test/<row>/<metric>``. Other callbacks may enter figures into ``table`` until
    the test has ended.

    Args:
        output: Folder of the files.
        strips: Clips to show.
        columns: Frames of each of them.
    """

    __test__ = False  # not a test case of pytest's

    def __init__(self, output: Path = Path("results"), strips: int = 3, columns: int = 8) -> None:
        super().__init__()
        self.output, self.strips, self.columns = Path(output), strips, columns
        self.table = ResultTable()
        self._reset()

    def _reset(self) -> None:
        self.table = ResultTable()
        self._scores: dict[str, Scores] = {}
        self._frames: dict[str, int] = {}
        self._pictures: list[Tensor] = []
        self._side = 0

    def on_test_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forget the results of a test before."""
        self._reset()

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Window,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Measure one clip.

        Raises:
            TypeError: If ``test_step`` did not return frames by row.
        """
        if not isinstance(outputs, dict) or "truth" not in outputs:
            raise TypeError(
                "TestTable needs `test_step` to return a dict of frames by row, `truth` among "
                f"them, but got {sorted(outputs) if isinstance(outputs, dict) else outputs!r}."
            )
        (clip,) = names(batch)
        truth = outputs["truth"]
        self._side = truth.shape[-1]
        self._frames[clip] = len(truth)
        self._scores[clip] = {row: score(frames, truth) for row, frames in outputs.items()}
        if trainer.is_global_zero and len(self._pictures) < self.strips:
            self._pictures.append(strip(_shown(outputs, batch), self.columns))

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Average over the clips of all processes and log."""
        scores, frames = gather(self._scores), gather(self._frames)
        self.table.protocol = protocol(trainer, self._side, frames)
        for row in dict.fromkeys(row for clip in scores.values() for row in clip):
            for metric in METRICS:
                values = {name: clip[row][metric] for name, clip in scores.items() if row in clip}
                cell = Cell.mean(values)
                self.table.set(row, metric, cell)
                log_cell(pl_module, row, metric, cell)

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write and print the table."""
        if not trainer.is_global_zero:
            return
        self.table.write(self.output)
        if self._pictures:
            save_png(stack(self._pictures), self.output / "strip.png")
        rank_zero_info(f"\n{self.table.to_markdown()}\nWritten to {self.output}.")


def score(frames: Float[Tensor, "t 3 S S"], truth: Float[Tensor, "t 3 S S"]) -> dict[str, float]:
    """Figures of one clip: each measured per frame, then averaged."""
    sharpness = float(cpbd(frames).mean()) if frames.shape[-1] >= BLOCK else math.nan
    return {
        "psnr": clip_psnr(frames, truth),
        "ssim": float(frame_ssim(frames, truth).mean()),
        "cpbd": sharpness,
        "holes": float(holes(frames, truth).mean()),
    }


def log_cell(module: LightningModule, row: str, metric: str, cell: Cell) -> None:
    """Log a figure as ``test/<row>/<metric>``, unless it is undefined or infinite."""
    if math.isfinite(cell.value):
        value = torch.tensor(cell.value, dtype=torch.float32)
        module.log(f"test/{row}/{metric}", value, rank_zero_only=True)


def protocol(
    trainer: Trainer, side: int, frames: dict[str, int]
) -> dict[str, str | int | float | None]:
    """How the figures came about."""
    root = getattr(getattr(trainer, "datamodule", None), "root", None)
    seed = os.environ.get("PL_GLOBAL_SEED")
    return {
        "corpus": None if root is None else Path(root).name,
        "clips": len(frames),
        "frames": sum(frames.values()),
        "side": side,
        "seed": None if seed is None else int(seed),
        "checkpoint": None if trainer.ckpt_path is None else str(trainer.ckpt_path),
        "identity": "first frame of the clip",
        "rendered": "all usable frames, rounded to 8 bits before anything is measured",
        "PSNR and SSIM": "RGB floats in [0, 1], mean over frames, then over clips; frames equal "
        "to the truth bit by bit have no PSNR",
        "CPBD": f"BT.601 luma, blocks of {BLOCK} pixels; undefined for smaller frames",
        "holes": "small dark or bright spots that the truth does not have, share of the pixels",
        "±": "half a 95 % confidence interval over clips",
    }


def _shown(outputs: dict[str, Tensor], batch: Window) -> dict[str, Tensor]:
    rows = {"identity": unit(detached(batch.identity))}
    for row in ("truth", "audio", "video"):
        if row in outputs:
            rows[ROWS[row]] = detached(outputs[row])
    return rows
