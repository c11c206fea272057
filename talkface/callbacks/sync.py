"""Whether the lips that are shown are those that are heard, by the model's own encoders."""

from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from talkface.callbacks.shared import detached, names
from talkface.callbacks.table import table_of
from talkface.metrics.code_sync import code_sync
from talkface.types import Window

CHUNK = 32
"""Frames encoded at once."""


@runtime_checkable
class HasLips(Protocol):
    """Codes of a video encoder."""

    lips: Float[Tensor, "b t d"]


@runtime_checkable
class Encoders(Protocol):
    """What the callback asks of a LightningModule."""

    def encode_audio(self, mfcc: Float[Tensor, "b t k s"]) -> Float[Tensor, "b t d"]:
        """What is said at every frame."""
        ...

    def encode_video(self, frames: Float[Tensor, "b t 3 S S"]) -> HasLips:
        """What the faces do in every frame; images in [-1, 1]."""
        ...


class OwnSync(Callback):
    """Lag and confidence of every row's lips by ``code_sync``, entered into `TestTable`'s table.

    It asks whether E_v sees the lips that E_a hears. The encoders are those that the clips were
    made with, so it flatters them: it finds delays and compares rows, and is no score to hold
    against other systems.
    """

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
            TypeError: If the model has no such encoders.
            RuntimeError: If there is no table.
        """
        if not isinstance(pl_module, Encoders):
            raise TypeError(
                f"{type(pl_module).__name__} has no codes of lips and sound to compare: it needs "
                "`encode_audio` and `encode_video`, as `TalkFace` has."
            )
        (clip,) = names(batch)
        table = table_of(trainer, self)
        sound = detached(pl_module.encode_audio(batch.mfcc)[0])
        for row, shown in table.shown.items():
            offset, confidence = code_sync(lip_codes(pl_module, shown.frames), sound)
            table.add(clip, row, {"sync_offset": offset, "sync_confidence": confidence})


def lip_codes(model: Encoders, frames: Float[Tensor, "t 3 S S"]) -> Float[Tensor, "t d"]:
    """Codes of the lips in RGB frames in [0, 1], on the CPU."""
    parts = (2 * part[None] - 1 for part in frames.split(CHUNK))
    return torch.cat([detached(model.encode_video(part).lips[0]) for part in parts])
