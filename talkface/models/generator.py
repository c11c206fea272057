"""The generator: StyleGAN2 synthesis, driven by features and spliced with the portrait."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from talkface.models.decoder import Decoder, IdentityPlan, per_frame
from talkface.models.identity import SCALES, IdentityCodes
from talkface.models.layers import EqualConv, EqualLinear, ModulatedConv, NoisyActivation, smoothing
from talkface.models.recompute import Block
from talkface.models.stylegan2 import load_stylegan2
from talkface.models.warmstart import Report
from talkface.ops import upfirdn2d

CALM = 0.3
"""Deviation of the styles at the start, where StyleGAN2 has 1: codes change from frame to frame."""


class Level(Block):
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

    @property
    def fir(self) -> Float[Tensor, "4 4"]:
        """The filter of the up-sampling."""
        return smoothing(self.paint_bias.device)

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


class Generator(Decoder):
    """StyleGAN2 synthesis whose styles are [mouth; face; identity of that scale; change of face].

    From 4x4 (at 96 px: 6x6) to the full side; every level that has an identity map of its side is
    spliced with it. There is no mapping network: the features are the style (Karras et al. 2020,
    https://arxiv.org/abs/1912.04958, for the synthesis network).

    Args:
        resolution: Side S of the image from 64: 4, 5, 6 or 7 times a power of two.
        mouth_dim: Width of the mouth code.
        face_dim: Width of the face code, eyes and contour together; 0 for no face feature.
        identity_dim: Width of the identity style of each level.
        identity_channels: Channels of the identity maps, large to small.
        base: Channels times side, before the limit.
        limit: Most channels of a level.
        residual: Paint how the portrait moves and how its colours differ then, and not the
            picture. Both start at zero: an untrained generator repeats the portrait, and the
            training begins where *copy* ends.
        splices: Concatenate the features of every level with the identity map of its side.
        init_from: Public StyleGAN2 checkpoint (rosinality's names) to start a training from.
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
        splices: bool = True,
        init_from: Path | None = None,
    ) -> None:
        super().__init__(resolution, face_dim, identity_channels, base, limit, residual=residual)
        self.init_from = None if init_from is None else str(init_from)
        sides, widths = self.sides, self.widths
        maps = {resolution // 2**i: c for i, c in enumerate(identity_channels) if splices}
        style = mouth_dim + 2 * face_dim + identity_dim
        self.map_index = [min(SCALES - 1, int(math.log2(resolution // side))) for side in sides]
        self.constant = nn.Parameter(torch.randn(1, widths[0], sides[0], sides[0]))
        self.levels = nn.ModuleList(
            Level(
                widths[max(0, i - 1)],
                widths[i],
                maps.get(side, 0),
                style,
                side,
                self.painted,
                up=i > 0,
            )
            for i, side in enumerate(sides)
        )
        self.styles = nn.ModuleList(
            EqualLinear(identity_channels[i], identity_dim) for i in self.map_index
        )
        for module in self.modules():
            if isinstance(module, ModulatedConv):
                module.affine.weight.data.mul_(CALM)
        if residual:
            for level in self._levels():
                nn.init.zeros_(level.paint.weight)

    def warm_start(self) -> Report | None:
        """Load the StyleGAN2 that ``init_from`` names; None if it names none.

        Raises:
            WarmStartError: The file is missing or unreadable, or nothing of it fits.
        """
        return None if self.init_from is None else load_stylegan2(self, Path(self.init_from))

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
        return self.shown(self.paint(self.style(mouth, face, plan), plan), plan)

    def style(
        self, mouth: Float[Tensor, "n d"], face: Float[Tensor, "n e"], plan: IdentityPlan
    ) -> Float[Tensor, "n l c"]:
        """Style of every level, small to large.

        Mouth, face and portrait may come from three people. Styles of several sources can be mixed
        by ``mix_styles`` before they are painted.
        """
        change = self.changed(face, plan)
        n = len(mouth)
        styles = [torch.cat([mouth, face, per_frame(s, n), change], dim=1) for s in plan.styles]
        return torch.stack(styles, dim=1)

    def paint(self, styles: Float[Tensor, "n l c"], plan: IdentityPlan) -> Float[Tensor, "n p s s"]:
        """What the styles ask for: colours and, where there is a portrait to move, displacement."""
        x = self.constant.expand(len(styles), -1, -1, -1)
        picture: Tensor | None = None
        for i, (level, splice) in enumerate(zip(self._levels(), plan.splices, strict=True)):
            x, picture = level(x, picture, styles[:, i], splice)
        if picture is None:
            raise RuntimeError("a generator without levels paints nothing")
        return picture

    def _levels(self) -> Iterator[Level]:
        return cast("Iterator[Level]", iter(self.levels))


def mix_styles(
    coarse: Float[Tensor, "n l c"], fine: Float[Tensor, "n l c"], crossover: int
) -> Float[Tensor, "n l c"]:
    """Levels below ``crossover`` from one source, the others from another.

    Style mixing of Karras et al. 2019, sec. 3.1, https://arxiv.org/abs/1812.04948.

    Args:
        coarse: Styles of the small levels.
        fine: Styles of the large ones.
        crossover: First level that takes ``fine``, counted from the smallest: 0 takes it
            everywhere.
    """
    return torch.cat([coarse[:, :crossover], fine[:, crossover:]], dim=1)
