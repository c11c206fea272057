"""Clips whose codes are known, and a model that paints what it is told."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from talkface.metrics.head import Movement
from talkface.metrics.opening import LIDS
from talkface.types import Window
from tests import fakes

SIDE = 32
MOUTH = (slice(21, 26), slice(11, 21))
EYES = (slice(9, 13), slice(8, 24))
"""Rows and columns of the pixels that show how far mouth and eyes are open."""


def motion(frames: int, seed: int) -> Tensor:
    """A series in [0, 1] that no other seed gives."""
    return torch.rand(frames, generator=torch.Generator().manual_seed(seed))


def window(name: str, seed: int, frames: int = 30) -> Window:
    """A clip whose frames show in one pixel how far mouth and eyes are open, and the contour.

    The sound says the opening of the mouth, too. Its landmarks open as far as the codes say.
    """
    mouth, eyes, contour = (motion(frames, 10 * seed + i) for i in range(3))
    points = fakes.landmarks(mouth, SIDE)
    for upper, lower in LIDS:
        points[:, lower, 1] = points[:, upper, 1] + 3 * eyes
    pictures = torch.zeros(frames, 3, SIDE, SIDE)
    pictures[:, :, 0, 0] = torch.stack([mouth, eyes, contour], 1)
    portrait = torch.full((3, SIDE, SIDE), 0.1 * seed)
    return Window(
        portrait[None],
        pictures[None],
        pictures[None],
        mouth[None, :, None, None].expand(1, frames, 2, 3).contiguous(),
        points[None],
        points[None],
        torch.tensor([0]),
        torch.ones(1, frames, dtype=torch.bool),
        [name],
    )


class Codes(NamedTuple):
    """As a video encoder gives them."""

    lips: Tensor
    eyes: Tensor
    contour: Tensor

    @property
    def face(self) -> Tensor:
        return torch.cat([self.eyes, self.contour], -1)


class Painter:
    """Paints mouth and eyes as far open as the codes say, on a portrait.

    Args:
        deaf: Whether the eye code is ignored, and the mouth shows it instead.
    """

    resolution, mfcc = SIDE, "davs"
    device = torch.device("cpu")

    def __init__(self, *, deaf: bool = False) -> None:
        self.deaf = deaf

    def encode_portrait(self, image: Tensor) -> Any:
        return image

    def encode_audio(self, mfcc: Tensor) -> Tensor:
        return mfcc.mean((2, 3))[..., None]

    def encode_video(self, frames: Tensor) -> Any:
        return Codes(*frames[:, :, :, 0, 0].split(1, -1))

    def render(self, mouth: Tensor, face: Tensor, portrait: Any) -> Tensor:
        frames: Tensor = portrait[:, None].repeat(1, mouth.shape[1], 1, 1, 1)
        frames[:, :, 0, *MOUTH] = (face[..., :1] if self.deaf else mouth)[..., None]
        frames[:, :, 0, *EYES] = (0 * face[..., :1] if self.deaf else face[..., :1])[..., None]
        return frames


class PixelReader:
    """Reads what ``Painter`` has painted."""

    def read(self, frames: Tensor) -> Movement:
        mouth, eyes = (frames[:, 0, *region].mean((1, 2)) for region in (MOUTH, EYES))
        return Movement(mouth, eyes, torch.zeros(len(frames), 3))
