"""Where another scene begins within a clip."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from talkface.faces import Face, overlap

LUMA: Final = (0.299, 0.587, 0.114)
EVERY, POOL, BINS = 4, 2, 16
"""Which pixels are looked at, how many are averaged, and how brightness is told apart."""

SHARP = 4.0
"""By how many times a cut exceeds the usual change of its clip, and the changes beside it."""

MOST = 0.9
"""Share of the frames whose change is usual."""

CHANGE = 2.5
"""Least mean change at a cut in grey levels."""

HISTOGRAM = 0.1
"""Share of pixels that must be of another brightness, where a face stays in its place."""

SAME_PLACE = 0.9
"""Least overlap of the boxes of a face that stays in its place."""

FLASH = 2
"""Frames for which a picture may change, as in the light of a flash, without being a cut."""


class Cut(NamedTuple):
    """A cut.

    Attributes:
        frame: The first frame of the new scene.
        change: Mean difference to the frame before, in grey levels.
        usual: What nine of ten frames of the clip do not exceed.
    """

    frame: int
    change: float
    usual: float


def find_cuts(frames: UInt8[Tensor, "n 3 h w"], faces: Sequence[Sequence[Face]]) -> list[Cut]:
    """The cuts of a clip.

    At a cut the picture changes far more than in the rest of the clip and in the frames beside
    it, and remains changed; and its brightness is distributed otherwise, or no face stays where one
    was. Motion lasts for several frames, a flash passes, a detector that errs changes no picture.

    Args:
        frames: Consecutive RGB frames.
        faces: The faces of every frame.
    """
    if len(frames) < 2:  # noqa: PLR2004 - a change takes two
        return []
    small = _luma(frames)
    lasting = change = _difference(small[1:], small[:-1])
    frame = torch.arange(1, len(small))
    later, earlier = (frame + FLASH).clamp(max=len(frame)), (frame - 1 - FLASH).clamp(min=0)
    for after, before in ((small[later], small[:-1]), (small[1:], small[earlier])):
        lasting = torch.minimum(lasting, _difference(after, before))
    usual = float(change.quantile(MOST))
    padded = F.pad(change, (1, 1))
    beside = torch.maximum(padded[:-2], padded[2:])
    strong = (lasting > SHARP * beside.clamp(min=max(usual, CHANGE / SHARP))).tolist()
    moved = [not _goes_on(before, after) for before, after in pairwise(faces)]
    other = (_histograms(small).diff(dim=0).abs().sum(dim=1) / 2 > HISTOGRAM).tolist()
    return [
        Cut(t + 1, float(change[t]), usual)
        for t in range(len(change))
        if strong[t] and (other[t] or moved[t])
    ]


def _goes_on(before: Sequence[Face], after: Sequence[Face]) -> bool:
    return any(overlap(one, other) >= SAME_PLACE for one in before for other in after)


def _luma(frames: UInt8[Tensor, "n 3 h w"]) -> Float[Tensor, "n y x"]:
    every = frames[:, :, ::EVERY, ::EVERY].float()
    weights = torch.tensor(LUMA)[:, None, None]
    return F.avg_pool2d((every * weights).sum(dim=1), POOL, ceil_mode=True)


def _difference(one: Float[Tensor, "n y x"], other: Float[Tensor, "n y x"]) -> Float[Tensor, " n"]:
    return (one - other).abs().mean(dim=(1, 2))


def _histograms(luma: Float[Tensor, "n y x"]) -> Float[Tensor, "n bins"]:
    return torch.stack([torch.histc(one, BINS, 0, 256) / one.numel() for one in luma])
