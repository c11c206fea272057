"""Fréchet inception distance of the rows of a test."""

from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from talkface.callbacks.table import log_cell, table_of
from talkface.metrics.perceptual import PooledFid
from talkface.metrics.table import Cell
from talkface.types import Window


class RowFid(Callback):
    """FID of every row but the truth, pooled over all clips, entered into `TestTable`'s table.

    Args:
        fid: Collects the features.
    """

    def __init__(self, fid: PooledFid) -> None:
        super().__init__()
        self.fid = fid

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forget the frames of a test before.

        Raises:
            RuntimeError: If there is no table.
        """
        table_of(trainer, self)
        self.fid.rows.clear()

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Window,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Add one clip."""
        frames = {row: shown.frames for row, shown in table_of(trainer, self).shown.items()}
        truth = frames.pop("truth")
        self.fid.update(frames, truth)

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Enter the distances of all processes' frames into the table."""
        table = table_of(trainer, self).table
        for row, distance in self.fid.compute().items():
            table.set(row, "fid", cell := Cell(distance))
            log_cell(pl_module, row, "fid", cell)
