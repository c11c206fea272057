"""Parts of frames as figures show them: enlarged, cut out, subtracted, marked."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor
from torch.nn import functional as F

from talkface.figures.strips import enlarged, whole_factor

MOUTH = slice(48, 68)
"""Lips in iBUG-68."""

AROUND = 1.5
"""Side of a close-up of the mouth, in widths of the lips."""

MARK = (255, 0, 200)
"""Colour of marked pixels, which no face has."""

OPACITY = 0.65


class Box(NamedTuple):
    """A square part of a frame, in pixels."""

    top: int
    left: int
    side: int


def tile(frame: UInt8[Tensor, "3 S S"]) -> UInt8[Tensor, "3 L L"]:
    """A frame, enlarged by a whole factor if it is small."""
    return enlarged(frame[None].float(), whole_factor(frame.shape[-1]))[0]


def closeup(
    frame: UInt8[Tensor, "3 S S"], box: Box, *, smooth: bool = True
) -> UInt8[Tensor, "3 L L"]:
    """A part of a frame, enlarged to the size of its ``tile``.

    Args:
        frame: RGB.
        box: The part.
        smooth: Whether to interpolate (bicubic) or to show every pixel as a square.
    """
    part = frame[None, :, box.top : box.top + box.side, box.left : box.left + box.side].float()
    side = frame.shape[-1] * whole_factor(frame.shape[-1])
    if smooth:
        shown = F.interpolate(part, (side, side), mode="bicubic")
    else:
        shown = F.interpolate(part, (side, side), mode="nearest-exact")
    return enlarged(shown, 1)[0]


def box_around(x: float, y: float, side: int, frame: int) -> Box:
    """The square of ``side`` around a point, moved until it lies inside a frame.

    Args:
        x: Column of the point; pixel centres are at integers.
        y: Row of the point.
        side: Of the square, cut to that of the frame.
        frame: Side of the frame.
    """
    side = min(side, frame)
    top, left = (round(at + 0.5 - side / 2) for at in (y, x))
    return Box(min(max(top, 0), frame - side), min(max(left, 0), frame - side), side)


def mouth_box(landmarks: Float[Tensor, "68 2"], frame: int) -> Box:
    """The square around the lips of one frame, ``AROUND`` times as wide as they are."""
    low, high = landmarks[MOUTH].amin(0), landmarks[MOUTH].amax(0)
    x, y = ((low + high) / 2).tolist()
    width, height = (high - low).tolist()
    return box_around(x, y, max(2, round(max(AROUND * width, height + 2))), frame)


def difference(
    preds: UInt8[Tensor, "3 S S"], target: UInt8[Tensor, "3 S S"], gain: float
) -> UInt8[Tensor, "3 S S"]:
    """Absolute difference, mean over the channels, times ``gain``: black where equal."""
    apart = (preds.float() - target.float()).abs().mean(0, keepdim=True) * gain
    return apart.clamp(0, 255).round().to(torch.uint8).expand(3, -1, -1)


def marked(frame: UInt8[Tensor, "3 S S"], mask: Bool[Tensor, "S S"]) -> UInt8[Tensor, "3 S S"]:
    """A frame, in grey, with the pixels of a mask in ``MARK``."""
    grey = frame.float().mean(0, keepdim=True).expand(3, -1, -1)
    colour = torch.tensor(MARK).float()[:, None, None]
    return torch.where(mask, torch.lerp(grey, colour, OPACITY), grey).round().to(torch.uint8)
