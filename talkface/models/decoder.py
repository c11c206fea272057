"""What every decoder shares: interface, plan of a portrait, how the portrait is moved."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from talkface.models.identity import SCALES, IdentityCodes
from talkface.models.layers import RunningStandardize

REACH = 0.1
"""Displacement, in half sides of the picture, that an output of 1 stands for."""

SMALLEST = 64
"""Least side of the image, at which the smallest identity map is 4 x 4."""

FIRST = (4, 5, 6, 7)
"""Sides with which a decoder may begin."""

COLOURS = 3


class IdentityPlan(NamedTuple):
    """Everything a decoder takes from a portrait; computed once per clip.

    Attributes:
        styles: What the portrait adds to the code of every level that has one, small to large.
        splices: Identity half of the splice of every level that has one, small to large.
        image: The portrait, for the residual.
        face: Face code of the portrait.
    """

    styles: tuple[Float[Tensor, "b _"], ...]
    splices: tuple[Float[Tensor, "b _ _ _"] | None, ...]
    image: Float[Tensor, "b 3 s s"]
    face: Float[Tensor, "b e"]


class Decoder(nn.Module):
    """Mouth code, face code and portrait to frames.

    How the face code differs from that of the portrait is given besides, standardised: how people
    differ from each other would drown how a head moves.

    Args:
        resolution: Side S of the image from 64: 4, 5, 6 or 7 times a power of two.
        face_dim: Width of the face code, eyes and contour together; 0 for no face feature.
        identity_channels: Channels of the identity maps, large to small.
        base: Channels times side, before the limit.
        limit: Most channels of a level.
        residual: Paint how the portrait moves and how its colours differ then, and not the picture.

    Attributes:
        sides: Side of every level, doubled from one to the next up to ``resolution``.
        widths: Channels of every level.

    Raises:
        ValueError: If a size does not fit.
    """

    def __init__(
        self,
        resolution: int,
        face_dim: int,
        identity_channels: Sequence[int],
        base: int,
        limit: int,
        *,
        residual: bool,
    ) -> None:
        super().__init__()
        self.sides = _sides(resolution)
        if len(identity_channels) != SCALES:
            raise ValueError(
                f"identity_channels must name {SCALES} maps, as many as the identity encoder has, "
                f"got {list(identity_channels)}"
            )
        if base < resolution or limit < 1:
            raise ValueError(
                f"base must be at least the side {resolution} and limit at least 1, so that every "
                f"level has a channel, got {base} and {limit}"
            )
        self.widths = [min(limit, base // side) for side in self.sides]
        self.resolution = resolution
        self.residual = residual
        self.painted = COLOURS + 2 if residual else COLOURS
        self.change = RunningStandardize(face_dim)

    @abstractmethod
    def plan(self, identity: IdentityCodes, face: Float[Tensor, "b e"]) -> IdentityPlan:
        """Take what all frames share from b portraits and their face codes."""

    @abstractmethod
    def forward(
        self, mouth: Float[Tensor, "n d"], face: Float[Tensor, "n e"], plan: IdentityPlan
    ) -> Float[Tensor, "n 3 s s"]:
        """Render n frames of b portraits, n / b consecutive ones of each, in about [-1, 1]."""

    def changed(self, face: Float[Tensor, "n e"], plan: IdentityPlan) -> Float[Tensor, "n e"]:
        """How the face differs from that of the portrait, standardised."""
        change: Tensor = self.change(face - per_frame(plan.face, len(face)))
        return change

    def shown(
        self, painted: Float[Tensor, "n p s s"], plan: IdentityPlan
    ) -> Float[Tensor, "n 3 s s"]:
        """Frames from what was painted: as it is, or over the portrait that it moves."""
        if not self.residual:
            return painted
        portrait = per_frame(plan.image, len(painted))
        painted = painted.float()
        return moved(portrait, REACH * painted[:, COLOURS:]) + painted[:, :COLOURS]


def _sides(resolution: int) -> list[int]:
    sides = [resolution]
    while sides[0] > max(FIRST) and sides[0] % 2 == 0:
        sides.insert(0, sides[0] // 2)
    if resolution < SMALLEST or sides[0] not in FIRST:
        raise ValueError(
            f"resolution must be at least {SMALLEST} and 4, 5, 6 or 7 times a power of two, "
            f"such as 64, 96, 128, 224 or 256, got {resolution}"
        )
    return sides


def per_frame(x: Float[Tensor, "b ..."], frames: int) -> Float[Tensor, "{frames} ..."]:
    """Repeat what belongs to b portraits for ``frames`` / b consecutive frames of each."""
    return x.repeat_interleave(frames // len(x), 0)


def moved(
    images: Float[Tensor, "n 3 s s"], flow: Float[Tensor, "n 2 s s"]
) -> Float[Tensor, "n 3 s s"]:
    """Take the colour of every pixel from ``flow`` (right, down; half sides) away from it.

    Sampled bilinearly (Jaderberg et al. 2015, https://arxiv.org/abs/1506.02025); what lies outside
    the image repeats its edge. Where the flow is no number the result is none, whereas the sampling
    alone would read beyond the image.
    """
    side = images.shape[-1]
    axis = (torch.arange(side, device=flow.device, dtype=flow.dtype) * 2 + 1) / side - 1
    here = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1)
    places = (here + flow.permute(0, 2, 3, 1)).nan_to_num()
    known = flow.isfinite().all(1, keepdim=True)
    sampled = F.grid_sample(images.float(), places, padding_mode="border", align_corners=False)
    return torch.where(known, sampled, torch.nan)
