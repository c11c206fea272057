"""Strips of validation clips while a model trains."""

from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.loggers import WandbLogger
from torch import Tensor

from talkface.callbacks.shared import detached, renderer
from talkface.figures import save_png, stack, strip
from talkface.metrics.image import unit
from talkface.metrics.table import ROWS
from talkface.types import Window

KEY = "val/strips"


class StripPanel(Callback):
    """Identity, truth, audio-driven and video-driven frames of the first validation clips.

    Every panel is written to ``panels/epoch_<n>.png`` in the folder of the run, and also logged
    as an image where the logger is W&B.

    Args:
        every_n_epochs: Epochs from one panel to the next, counted as Lightning counts those of
            ``check_val_every_n_epoch``, of which it must be a multiple.
        clips: Clips to show.
        columns: Frames of each of them.
    """

    def __init__(self, every_n_epochs: int = 1, clips: int = 3, columns: int = 8) -> None:
        super().__init__()
        self.every_n_epochs, self.clips, self.columns = every_n_epochs, clips, columns
        self._panel: Tensor | None = None

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Window,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Render the first batch, on the first process only."""
        due = (trainer.current_epoch + 1) % self.every_n_epochs == 0
        first = batch_idx == 0 and dataloader_idx == 0
        if due and first and trainer.is_global_zero and not trainer.sanity_checking:
            self._panel = self.draw(pl_module, batch)

    @torch.no_grad()
    def draw(self, module: LightningModule, batch: Window) -> Tensor:
        """The panel of the first clips of a batch, as ``uint8`` of height x width x 3."""
        sources = {"audio": unit(renderer(module).drive(batch, "audio"))}
        sources["video"] = unit(renderer(module).drive(batch, "video"))
        sources = {"truth": unit(batch.frames), **sources}
        strips = []
        for index, identity in enumerate(batch.identity[: self.clips]):
            rows = {"identity": unit(detached(identity))[None]}
            rows |= {ROWS[row]: detached(frames[index]) for row, frames in sources.items()}
            strips.append(strip(rows, self.columns))
        return stack(strips)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write and log what was rendered."""
        folder = Path(trainer.log_dir or trainer.default_root_dir)  # asked for on every process
        if self._panel is None:
            return
        save_png(self._panel, folder / "panels" / f"epoch_{trainer.current_epoch:04d}.png")
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                logger.log_image(key=KEY, images=[self._panel.numpy()])
        self._panel = None
