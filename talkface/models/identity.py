"""The identity encoder: what the face is, at five scales."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

SCALES = 5
"""Maps of a portrait: sides S, S/2 ... S/16."""


class IdentityCodes(NamedTuple):
    """What the identity encoder says of a portrait.

    Attributes:
        code: f_i, b 256.
        maps: Five maps, large to small: sides S, S/2, S/4, S/8, S/16.
        image: The portrait itself, in [-1, 1].
    """

    code: Float[Tensor, "b d"]
    maps: tuple[Float[Tensor, "b _ _ _"], ...]
    image: Float[Tensor, "b 3 s s"]


class IdentityEncoder(nn.Module):
    """U-Net descent of a portrait: five maps for the splices and styles, and one code.

    Args:
        dim: Width of the code f_i.
        channels: Channels of the five maps, large to small.
    """

    def __init__(self, dim: int = 256, channels: Sequence[int] = (32, 64, 128, 256, 256)) -> None:
        super().__init__()
        if len(channels) != SCALES:
            raise ValueError(f"IdentityEncoder has {SCALES} scales, but channels={list(channels)}")
        self.channels = tuple(channels)
        widths = [3, *channels]
        self.stages = nn.ModuleList(
            _stage(widths[i], widths[i + 1], stride=1 if i == 0 else 2) for i in range(SCALES)
        )
        self.head = nn.Linear(channels[-1], dim)

    def forward(self, image: Float[Tensor, "b 3 s s"]) -> IdentityCodes:
        """Encode portraits in [-1, 1], of a side that 16 divides."""
        if image.shape[-1] % 16 or image.shape[-2] != image.shape[-1]:
            raise ValueError(
                f"IdentityEncoder takes square images of a side that 16 divides, "
                f"got {tuple(image.shape)}"
            )
        maps = []
        x = image
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        code: Tensor = self.head(F.silu(x).mean((2, 3)))
        return IdentityCodes(code, tuple(maps), image)


def pooled(codes: IdentityCodes) -> Float[Tensor, "b e"]:
    """Everything in ``codes`` without its place: the code and the mean of every map."""
    return torch.cat([codes.code, *(m.mean((2, 3)) for m in codes.maps)], dim=1)


def _stage(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """Two convolutions with group normalisation and activation."""
    groups = max(1, outputs // 16)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1),
        nn.GroupNorm(groups, outputs),
        nn.SiLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.GroupNorm(groups, outputs),
        nn.SiLU(),
    )
