"""Videos with sound of validation clips while a model trains."""

from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor
from torch.utils.data import default_collate

from talkface.callbacks.board import wandb_loggers
from talkface.callbacks.shared import detached, renderer
from talkface.data.datamodule import TalkFaceData
from talkface.data.encode import write_video
from talkface.data.windows import ClipDataset
from talkface.metrics.image import unit
from talkface.types import Window

KEY = "val/videos"


class ClipVideos(Callback):
    """The first validation clips, whole and with sound: truth, audio- and video-driven frames.

    Windows of training have no sound, so the clips are read anew and rendered once per video; that
    takes as long as testing so many clips. Every video is written to ``videos/epoch_<n>/CLIP.mp4``
    in the folder of the run, and also logged where the logger is W&B.

    Args:
        every_n_epochs: Epochs from one set of videos to the next, counted as those of
            ``check_val_every_n_epoch``, of which it must be a multiple.
        clips: Clips to show.
    """

    def __init__(self, every_n_epochs: int = 1, clips: int = 2) -> None:
        super().__init__()
        self.every_n_epochs, self.clips = every_n_epochs, clips

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Window,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Render beside the first batch, with the weights that are validated."""
        folder = Path(trainer.log_dir or trainer.default_root_dir)  # asked for on every process
        due = (trainer.current_epoch + 1) % self.every_n_epochs == 0
        first = batch_idx == 0 and dataloader_idx == 0
        if due and first and trainer.is_global_zero and not trainer.sanity_checking:
            self._show(trainer, pl_module, folder / "videos" / f"epoch_{trainer.current_epoch:04d}")

    def _show(self, trainer: Trainer, module: LightningModule, folder: Path) -> None:
        data = _data(trainer)
        clips = ClipDataset(data.root, "val", data.resolution, data.mfcc, self.clips, data.words)
        paths: list[Path] = []
        for record in clips.records:
            window = default_collate([clips[len(paths)]])
            window = data.on_after_batch_transfer(trainer.strategy.batch_to_device(window), 0)
            paths.append(folder / f"{record.id}.mp4")
            write_video(paths[-1], side_by_side(module, window), clips.sound(record.id))
        names = [record.id for record in clips.records]
        for logger in wandb_loggers(trainer):
            logger.log_video(KEY, list(map(str, paths)), caption=names)


@torch.no_grad()
def side_by_side(module: LightningModule, window: Window) -> Tensor:
    """Truth, audio- and video-driven frames of one clip, t x 3 x S x 3S in ``uint8``."""
    driven = [renderer(module).drive(window, drive)[0] for drive in ("audio", "video")]
    frames = [detached(unit(one)) for one in (window.frames[0], *driven)]
    return (torch.cat(frames, dim=3) * 255).round().to(torch.uint8)


def _data(trainer: Trainer) -> TalkFaceData:
    data = getattr(trainer, "datamodule", None)
    if not isinstance(data, TalkFaceData):
        raise TypeError(
            f"ClipVideos reads whole clips of a prepared corpus, but the data are {data!r}: train "
            "with `TalkFaceData`, or leave ClipVideos out of the callbacks."
        )
    return data
