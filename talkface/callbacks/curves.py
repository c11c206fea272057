"""Whether mouth and eyes move as the true ones do, as curves beside the losses."""

import math
from typing import Any

import torch
from jaxtyping import Float
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from talkface.callbacks.motion import SPACING, Clip, agreement
from talkface.callbacks.shared import detached, gather, names, renderer
from talkface.data.windows import WindowDataset
from talkface.metrics.head import Movement, movement
from talkface.metrics.image import unit
from talkface.metrics.reader import FittedReader, MouthReader, TrainableReader
from talkface.types import Window

DRIVES = ("audio", "video")
PARTS = ("mouth", "eye")


class MotionCurves(Callback):
    """Correlation and gain of mouth and eye openings of both drives, logged while a model trains.

    ``val/mouth_r_audio``, ``val/eye_gain_video`` and so on: openings that a reader finds in
    renderings of the first validation windows, against those of the corpus' landmarks, in spoken
    frames and without each window's mean, pooled over windows. As `MouthMotion` in a test; windows
    are short, so a blink is rare and the curves of the eyes are rough. What is not defined, such as
    the correlation of a mouth that stands still, is left out.

    Args:
        every_n_epochs: Epochs from one measurement to the next, counted as Lightning counts those
            of ``check_val_every_n_epoch``, of which it must be a multiple.
        clips: Validation windows to render, on every process.
        reader: Reads openings; by default one that is fitted on training crops when the training
            starts, within seconds.
        crops: Training crops to fit such a reader on.
    """

    def __init__(
        self,
        every_n_epochs: int = 1,
        clips: int = 8,
        reader: MouthReader | None = None,
        crops: int = 800,
    ) -> None:
        super().__init__()
        self.every_n_epochs, self.clips, self.crops = every_n_epochs, clips, crops
        self.reader = FittedReader() if reader is None else reader
        self._seen: dict[str, Clip] = {}

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Fit the reader, if it is one to be fitted; no random number of the training is drawn.

        Raises:
            TypeError: There are no training windows to fit it on.
            ValueError: Too few of them have landmarks.
        """
        if isinstance(self.reader, TrainableReader):
            data = getattr(getattr(trainer, "datamodule", None), "train", None)
            if not isinstance(data, WindowDataset):
                raise TypeError(
                    "MotionCurves fits its reader on training windows: train with `TalkFaceData`, "
                    "or give it a reader that needs no fitting, such as `DetectorReader`."
                )
            frames, landmarks = spaced_crops(data, self.crops)
            self.reader.fit(frames.to(pl_module.device), landmarks.to(pl_module.device))

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forget what was seen."""
        self._seen = {}

    @torch.no_grad()
    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Window,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Render the first windows and read their openings."""
        due = (trainer.current_epoch + 1) % self.every_n_epochs == 0
        left = self.clips - len(self._seen)
        if trainer.sanity_checking or not due or left < 1:
            return
        few = Window._make(part[:left] for part in batch)
        rows = {drive: unit(renderer(pl_module).drive(few, drive)) for drive in DRIVES}
        for place, clip in enumerate(names(few)):
            read = {drive: self._read(frames[place]) for drive, frames in rows.items()}
            truth = Movement(*(detached(x) for x in movement(few.landmarks[place])))
            name = f"{clip} {trainer.global_rank} {batch_idx} {place}"
            self._seen[name] = Clip(truth, read, detached(few.spoken[place]))

    def _read(self, frames: Float[Tensor, "t 3 S S"]) -> Movement:
        return Movement(*(detached(series) for series in self.reader.read(frames)))

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Pool the windows of all processes and log."""
        clips = list(gather(self._seen).values())
        self._seen = {}
        for drive in DRIVES if clips else ():
            for which, part in enumerate(PARTS):
                found = agreement(clips, drive, which, lags=0)
                for name, value in (("r", float(found.r)), ("gain", float(found.gain))):
                    if math.isfinite(value):
                        key = f"val/{part}_{name}_{drive}"
                        pl_module.log(key, torch.tensor(value), rank_zero_only=True)


def spaced_crops(
    data: WindowDataset, count: int
) -> tuple[Float[Tensor, "n 3 S S"], Float[Tensor, "n 68 2"]]:
    """At most ``count`` crops in [0, 1] of windows spread over a split, with their landmarks."""
    each = -(-data.frames // SPACING)
    wanted = min(len(data), -(-count // each))
    windows = [data[index * len(data) // wanted] for index in range(wanted)]
    frames = torch.cat([window.frames[::SPACING] for window in windows])[:count]
    landmarks = torch.cat([window.landmarks[::SPACING] for window in windows])[:count]
    return frames.float() / 255, landmarks.float()
