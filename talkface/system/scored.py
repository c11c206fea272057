"""What a trained system is asked: validation, test and prediction."""

import pytorch_lightning as pl
from jaxtyping import Float
from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio

from talkface.metrics.image import unit
from talkface.metrics.retrieval import frame_retrieval
from talkface.models.animator import Animator
from talkface.types import Window


class ScoredAnimator(Animator, pl.LightningModule):
    """An ``Animator`` with Lightning's steps of evaluation."""

    def validation_step(self, window: Window, batch_idx: int) -> None:
        """PSNR of both drives and of *copy*, and how well sound finds its lips."""
        truth = unit(window.frames)
        rows = {drive: unit(self.drive(window, drive)) for drive in ("audio", "video")}
        rows["copy"] = unit(window.identity)[:, None].expand_as(truth)
        n = len(truth)
        for name, frames in rows.items():
            value = peak_signal_noise_ratio(frames, truth, data_range=1.0, dim=(1, 2, 3, 4))
            self.log(f"val/psnr_{name}", value, batch_size=n, sync_dist=True, prog_bar=True)
        found = frame_retrieval(
            self.encode_audio(window.mfcc), self.encode_video(window.driving).lips
        )
        self.log("val/sync_accuracy", found, batch_size=n, sync_dist=True, prog_bar=True)

    def test_step(self, window: Window, batch_idx: int) -> dict[str, Float[Tensor, "t 3 s s"]]:
        """Rows of the evaluation table for one clip: frames in [0, 1], rounded to 8 bits."""
        truth = unit(window.frames[0])
        copy = unit(window.identity).expand_as(truth)
        rows = {drive: unit(self.drive(window, drive)[0]) for drive in ("audio", "video")}
        return {"truth": truth, "copy": copy, **rows}

    def predict_step(self, window: Window, batch_idx: int) -> dict[str, Float[Tensor, "t 3 s s"]]:
        """The same frames, to be kept."""
        return self.test_step(window, batch_idx)
