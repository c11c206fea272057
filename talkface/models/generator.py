"""The generator: StyleGAN2 synthesis, driven by features and spliced with the portrait."""

import math
from collections.abc import Iterator
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from talkface.models.identity import SCALES, IdentityCodes
from talkface.models.layers import (
    EqualConv,
    EqualLinear,
    ModulatedConv,
    NoisyActivation,
    RunningStandardize,
)
from talkface.ops import fir_kernel, upfirdn2d

CALM = 0.3
"""Deviation of the styles at the start, where StyleGAN2 has 1: codes change from frame to frame."""

REACH = 0.1
"""Displacement, in half sides of the picture, that an output of 1 stands for."""

SMALLEST = 64
"""Least side of the image, at which the smallest identity map is 4 x 4."""


class IdentityPlan(NamedTuple):
    """Everything the generator takes from a portrait; computed once per clip.

    Attributes:
        styles: Identity style of every level, small to large.
        splices: Identity half of the splice of every level that has one, small to large.
        image: The portrait, for the residual.
        face: Face code of the portrait.
    """

    styles: tuple[Float[Tensor, "b e"], ...]
    splices: tuple[Float[Tensor, "b _ _ _"] | None, ...]
    image: Float[Tensor, "b 3 s s"]
    face: Float[Tensor, "b e"]


class Level(nn.Module):
    """One resolution: (up-sampling) convolution, splice, convolution, RGB.

    Args:
        inputs: Channels in.
        outputs: Channels out.
        maps: Channels of the identity map of this side; 0 for no splice.
        style: Width of the style.
        side: Side of the output.
        painted: Channels of the picture.
        up: Double the side first.
    """

    fir: Tensor

    def __init__(
        self, inputs: int, outputs: int, maps: int, style: int, side: int, painted: int, *, up: bool
    ) -> None:
        super().__init__()
        self.up = up
        self.first = ModulatedConv(inputs, outputs, 3, style, up=up)
        self.merge = EqualConv(outputs, outputs, 1) if maps else None
        self.splice = EqualConv(maps, outputs, 3) if maps else None
        self.first_activation = NoisyActivation(outputs, side)
        self.second = ModulatedConv(outputs, outputs, 3, style)
        self.second_activation = NoisyActivation(outputs, side)
        self.paint = ModulatedConv(outputs, painted, 1, style, demodulate=False)
        self.paint_bias = nn.Parameter(torch.zeros(painted))
        self.register_buffer("fir", fir_kernel(gain=4.0), persistent=False)

    def forward(
        self,
        x: Float[Tensor, "n i h w"],
        picture: Float[Tensor, "n p h w"] | None,
        style: Float[Tensor, "n d"],
        splice: Float[Tensor, "b o h2 w2"] | None,
    ) -> tuple[Float[Tensor, "n o h2 w2"], Float[Tensor, "n p h2 w2"]]:
        """Features and picture of the next resolution.

        The b spliced maps serve n / b consecutive samples each.
        """
        x = self.first(x, style)
        if self.merge is not None and splice is not None:
            spliced = self.merge(x).unflatten(0, (len(splice), -1)) + splice[:, None]
            x = spliced.flatten(0, 1) * math.sqrt(0.5)
        x = self.first_activation(x)
        x = self.second_activation(self.second(x, style))
        painted = self.paint(x, style) + self.paint_bias[:, None, None].to(x.dtype)
        if picture is not None:
            painted = painted + upfirdn2d(picture, self.fir, up=2, pad=(2, 1))
        return x, painted


class Generator(nn.Module):
    """StyleGAN2 synthesis whose styles are [mouth; face; identity of that scale; change of face].

    The last is how the face code differs from that of the portrait, standardised: how people differ
    from each other would drown how a head moves. From 4x4 to the full side; every level that has an
    identity map of its side is spliced with it. There is no mapping network: the features are the
    style (Karras et al. 2020, https://arxiv.org/abs/1912.04958, for the synthesis network).

    Args:
        resolution: Side S of the image; a power of two from 64.
        mouth_dim: Width of the mouth code.
        face_dim: Width of the face code, eyes and contour together.
        identity_dim: Width of the identity style of each level.
        identity_channels: Channels of the identity maps, large to small.
        base: Channels times side, before the limit.
        limit: Most channels of a level.
        residual: Paint how the portrait moves and how its colours differ then, and not the
            picture. Both start at zero: an untrained generator repeats the portrait, and the
            training begins where *copy* ends.
    """

    def __init__(
        self,
        resolution: int = 64,
        mouth_dim: int = 256,
        face_dim: int = 64,
        identity_dim: int = 128,
        identity_channels: tuple[int, ...] = (32, 64, 128, 256, 256),
        base: int = 4096,
        limit: int = 256,
        *,
        residual: bool = True,
    ) -> None:
        super().__init__()
        if resolution < SMALLEST or resolution & (resolution - 1):
            raise ValueError(f"resolution must be a power of two from {SMALLEST}, got {resolution}")
        self.resolution = resolution
        sides = [2**i for i in range(2, int(math.log2(resolution)) + 1)]
        widths = [min(limit, base // side) for side in sides]
        maps = {resolution // 2**i: c for i, c in enumerate(identity_channels)}
        style = mouth_dim + 2 * face_dim + identity_dim
        painted = 5 if residual else 3
        self.map_index = [min(SCALES - 1, int(math.log2(resolution // side))) for side in sides]
        self.constant = nn.Parameter(torch.randn(1, widths[0], 4, 4))
        self.levels = nn.ModuleList(
            Level(
                widths[max(0, i - 1)], widths[i], maps.get(side, 0), style, side, painted, up=i > 0
            )
            for i, side in enumerate(sides)
        )
        self.styles = nn.ModuleList(
            EqualLinear(identity_channels[i], identity_dim) for i in self.map_index
        )
        for module in self.modules():
            if isinstance(module, ModulatedConv):
                module.affine.weight.data.mul_(CALM)
        self.change = RunningStandardize(face_dim)
        self.residual = residual
        if residual:
            for level in self._levels():
                nn.init.zeros_(level.paint.weight)

    def plan(self, identity: IdentityCodes, face: Float[Tensor, "b e"]) -> IdentityPlan:
        """Take what all frames share from b portraits and their face codes."""
        styles: list[Tensor] = []
        splices: list[Tensor | None] = []
        for level, style, index in zip(self._levels(), self.styles, self.map_index, strict=True):
            maps = identity.maps[index]
            styles.append(style(maps.mean((2, 3))))
            splices.append(level.splice(maps) if level.splice is not None else None)
        return IdentityPlan(tuple(styles), tuple(splices), identity.image, face)

    def forward(
        self, mouth: Float[Tensor, "n d"], face: Float[Tensor, "n e"], plan: IdentityPlan
    ) -> Float[Tensor, "n 3 s s"]:
        """Render n frames of b portraits, n / b consecutive ones of each, in about [-1, 1]."""
        repeats = len(mouth) // len(plan.styles[0])
        x = self.constant.expand(len(mouth), -1, -1, -1)
        picture: Tensor | None = None
        change = self.change(face - plan.face.repeat_interleave(repeats, 0))
        for level, identity, splice in zip(self._levels(), plan.styles, plan.splices, strict=True):
            style = torch.cat([mouth, face, identity.repeat_interleave(repeats, 0), change], dim=1)
            x, picture = level(x, picture, style, splice)
        if picture is None:
            raise RuntimeError("a generator without levels renders nothing")
        if self.residual:
            portrait = plan.image.repeat_interleave(repeats, 0)
            picture = moved(portrait, REACH * picture[:, 3:].float()) + picture[:, :3].float()
        return picture

    def _levels(self) -> Iterator[Level]:
        return cast("Iterator[Level]", iter(self.levels))


def moved(
    images: Float[Tensor, "n 3 s s"], flow: Float[Tensor, "n 2 s s"]
) -> Float[Tensor, "n 3 s s"]:
    """Take the colour of every pixel from ``flow`` (right, down; half sides) away from it.

    Sampled bilinearly (Jaderberg et al. 2015, https://arxiv.org/abs/1506.02025); what lies outside
    the image repeats its edge.
    """
    side = images.shape[-1]
    axis = (torch.arange(side, device=flow.device, dtype=flow.dtype) * 2 + 1) / side - 1
    here = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1)
    places = here + flow.permute(0, 2, 3, 1)
    return F.grid_sample(images.float(), places, padding_mode="border", align_corners=False)
