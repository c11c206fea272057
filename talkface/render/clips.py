"""Renderings of a whole corpus as video files: what ``talkface predict`` leaves behind."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxtyping import Float
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import BasePredictionWriter
from torch import Tensor

from talkface.data.datamodule import TalkFaceData
from talkface.data.media import VideoWriter
from talkface.render.errors import RenderError
from talkface.types import FPS, Window

ROWS = ("truth", "audio", "video")
"""Rows that are written; *copy* is a still picture."""


class ClipWriter(BasePredictionWriter):
    """Write every predicted clip with its sound, as ``ROW/CLIP.mp4`` below ``folder``.

    ``predict_step`` renders one whole clip and returns its frames by row, as floats in [0, 1].

    Args:
        folder: Where the rows go.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__("batch")
        self.folder = folder

    def write_on_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        prediction: dict[str, Float[Tensor, "t 3 s s"]],
        batch_indices: Sequence[int] | None,
        batch: Window,
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        """Write one clip.

        Raises:
            RenderError: Without the data module the sound is not known.
            OutputError: The folder cannot be written.
        """
        data: Any = getattr(trainer, "datamodule", None)
        if not isinstance(data, TalkFaceData):
            raise RenderError("Clips are written with their sound: predict with `TalkFaceData`.")
        clip = batch.clip if isinstance(batch.clip, str) else batch.clip[0]
        sound = data.test.sound(clip)
        for row in ROWS:
            frames = (prediction[row] * 255).round().byte().cpu()
            path = self.folder / row / f"{clip}.mp4"
            height, width = frames.shape[2:]
            with VideoWriter(path, FPS, (height, width), sound) as writer:
                writer.write(frames)
