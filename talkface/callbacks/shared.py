"""Small things that several callbacks need."""

from typing import Protocol, TypeVar, cast, runtime_checkable

import torch
from jaxtyping import Float
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor, distributed

from talkface.data.windows import ClipDataset
from talkface.types import Window

T = TypeVar("T")


@runtime_checkable
class Renderer(Protocol):
    """What the callbacks ask of a LightningModule."""

    def drive(self, window: Window, drive: str) -> Float[Tensor, "b t 3 S S"]:
        """Frames in [-1, 1], lips by ``audio`` or all by ``video``."""
        ...


def renderer(module: LightningModule) -> Renderer:
    """``module`` as something that renders.

    Raises:
        TypeError: If it has no ``drive``.
    """
    if not callable(getattr(module, "drive", None)):
        raise TypeError(
            f"{type(module).__name__} cannot render for a callback: it needs a method "
            "`drive(window, 'audio' or 'video')`, as `TalkFace` has."
        )
    return cast("Renderer", module)


def tested_clips(trainer: Trainer) -> ClipDataset | None:
    """The clips of a test, if it reads a prepared corpus."""
    clips = getattr(getattr(trainer, "datamodule", None), "test", None)
    return clips if isinstance(clips, ClipDataset) else None


def names(window: Window) -> list[str]:
    """The clip of every element of a batch."""
    return [window.clip] if isinstance(window.clip, str) else list(window.clip)


def gather(values: dict[str, T]) -> dict[str, T]:
    """Values by clip from all processes; a clip that several of them saw counts once."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return values
    parts: list[dict[str, T] | None] = [None] * distributed.get_world_size()
    distributed.all_gather_object(parts, values)
    merged = {name: value for part in parts if part for name, value in part.items()}
    return dict(sorted(merged.items()))


def cut(window: Window, run: slice) -> Window:
    """A run of the frames of a batch."""
    return window._replace(
        frames=window.frames[:, run],
        driving=window.driving[:, run],
        mfcc=window.mfcc[:, run],
        landmarks=window.landmarks[:, run],
        driving_landmarks=window.driving_landmarks[:, run],
        spoken=window.spoken[:, run],
    )


def detached(tensor: Tensor) -> Tensor:
    """A copy on the CPU that no graph holds on to."""
    with torch.no_grad():
        return tensor.detach().cpu().clone()
