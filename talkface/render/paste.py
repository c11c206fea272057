"""Put rendered faces back into the photo they were taken from."""

import math

import torch
from jaxtyping import Float, UInt8
from kornia.geometry.transform import invert_affine_transform, warp_affine
from torch import Tensor

from talkface.render.errors import RenderError
from talkface.render.portrait import Portrait

RIM = 0.15
"""Share of the crop's side over which, from each edge, the face fades into the photo."""


class Paster:
    """Warps crops back by the inverse transform and blends them with a soft mask.

    Only the part of the photo that the crop covers is computed.

    Args:
        portrait: The photo and how the crop was taken from it.

    Raises:
        RenderError: The portrait was an aligned crop, so there is no photo around it.
    """

    def __init__(self, portrait: Portrait) -> None:
        if portrait.transform is None:
            raise RenderError("An aligned crop has no photo around it to paste the face into.")
        self.picture = portrait.picture
        height, width = self.picture.shape[-2:]
        side = portrait.crop.shape[-1]
        back = invert_affine_transform(portrait.transform[None])[0]
        self.left, self.top, right, bottom = _covered(back, side, width, height)
        self.box = (bottom - self.top, right - self.left)
        self.back = back - torch.tensor([[0.0, 0.0, self.left], [0.0, 0.0, self.top]])
        self.mask = self._warp(soft_mask(side)[None, None])[0]

    def paste(self, crops: UInt8[Tensor, "n 3 S S"]) -> UInt8[Tensor, "n 3 h w"]:
        """The photo with each of ``crops`` in it."""
        frames = self.picture.repeat(len(crops), 1, 1, 1)
        rows = slice(self.top, self.top + self.box[0])
        columns = slice(self.left, self.left + self.box[1])
        under = self.picture[:, rows, columns].float()
        blended = torch.lerp(under, self._warp(crops.float()), self.mask)
        frames[:, :, rows, columns] = blended.round().clamp(0, 255).to(torch.uint8)
        return frames

    def _warp(self, crops: Float[Tensor, "n c S S"]) -> Float[Tensor, "n c y x"]:
        warped: Tensor = warp_affine(crops, self.back.expand(len(crops), 2, 3), self.box)
        return warped


def soft_mask(side: int) -> Float[Tensor, "{side} {side}"]:
    """One in the middle of the crop, fading to zero at its edges like a raised cosine."""
    position = (torch.arange(side) + 0.5) / side
    inside = torch.minimum(position, 1 - position).div(RIM).clamp(max=1)
    ramp = 0.5 - 0.5 * torch.cos(math.pi * inside)
    return ramp[:, None] * ramp[None]


def _covered(
    back: Float[Tensor, "2 3"], side: int, width: int, height: int
) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the pixels of the photo under the crop."""
    low, high = -0.5, side - 0.5
    corners = torch.tensor([[low, low, 1.0], [high, low, 1.0], [low, high, 1.0], [high, high, 1.0]])
    points = corners @ back.T
    left, top = points.amin(dim=0).floor().int().tolist()
    right, bottom = points.amax(dim=0).ceil().int().tolist()
    box = max(left, 0), max(top, 0), min(right + 1, width), min(bottom + 1, height)
    if box[0] >= box[2] or box[1] >= box[3]:
        raise RenderError("The face lies outside the photo.")
    return box
