"""The decoder that StyleGAN2 replaced: plain up-sampling, kept to be compared with."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from talkface.models.decoder import Decoder, IdentityPlan, per_frame
from talkface.models.identity import IdentityCodes
from talkface.models.layers import Conv3x3
from talkface.models.recompute import Block

SKIPPED = 3
"""Index of the identity map that the decoder sees: the one of an eighth of the side."""


class UpsamplingDecoder(Decoder):
    """Bilinear up-sampling and convolutions, after the decoder of DAVS.

    One code [mouth; face; identity; change of face] becomes 4x4 features, which every block
    doubles; a single skip connection brings the identity map of an eighth of the side (Zhou et al.
    2019, https://arxiv.org/abs/1807.07860, and its published code, with group normalisation in
    place of batch normalisation). The merge with it is linear, so its identity half is computed
    once per clip.

    Args:
        resolution: Side S of the image from 64: 4, 5, 6 or 7 times a power of two.
        mouth_dim: Width of the mouth code.
        face_dim: Width of the face code, eyes and contour together; 0 for no face feature.
        code_dim: Width of the identity code f_i.
        identity_channels: Channels of the identity maps, large to small.
        base: Channels times side, before the limit.
        limit: Most channels of a block.
        residual: Paint how the portrait moves and how its colours differ then, and not the
            picture; as in ``Generator``.
    """

    def __init__(
        self,
        resolution: int = 64,
        mouth_dim: int = 256,
        face_dim: int = 64,
        code_dim: int = 256,
        identity_channels: tuple[int, ...] = (32, 64, 128, 256, 256),
        base: int = 4096,
        limit: int = 256,
        *,
        residual: bool = True,
    ) -> None:
        super().__init__(resolution, face_dim, identity_channels, base, limit, residual=residual)
        widths = self.widths
        self.skip_at = self.sides.index(resolution // 2**SKIPPED)
        code = mouth_dim + 2 * face_dim + code_dim
        self.first = nn.ConvTranspose2d(code, widths[0], self.sides[0])
        self.blocks = nn.ModuleList(
            _block(widths[max(0, i - 1)], widths[i]) for i in range(len(widths))
        )
        merged = widths[max(0, self.skip_at - 1)]
        self.merge = nn.Conv2d(merged, merged, 1, bias=False)
        self.skip = nn.Conv2d(identity_channels[SKIPPED], merged, 1)
        self.paint = nn.Conv2d(widths[-1], self.painted, 3, padding=1)
        if residual:
            for parameter in self.paint.parameters():
                nn.init.zeros_(parameter)

    def plan(self, identity: IdentityCodes, face: Float[Tensor, "b e"]) -> IdentityPlan:
        """Take what all frames share from b portraits and their face codes."""
        skip: Tensor = self.skip(identity.maps[SKIPPED])
        return IdentityPlan((identity.code,), (skip,), identity.image, face)

    def forward(
        self, mouth: Float[Tensor, "n d"], face: Float[Tensor, "n e"], plan: IdentityPlan
    ) -> Float[Tensor, "n 3 s s"]:
        """Render n frames of b portraits, n / b consecutive ones of each, in about [-1, 1]."""
        (identity,), (skip,) = plan.styles, plan.splices
        code = [mouth, face, per_frame(identity, len(mouth)), self.changed(face, plan)]
        x = self.first(torch.cat(code, dim=1)[:, :, None, None])
        for i, block in enumerate(self.blocks):
            if i > 0:
                x = F.interpolate(x, scale_factor=2.0, mode="bilinear")
            if i == self.skip_at and skip is not None:
                merged = self.merge(x).unflatten(0, (len(skip), -1)) + skip[:, None]
                x = merged.flatten(0, 1)
            x = block(x)
        painted: Tensor = self.paint(x)
        return self.shown(painted if self.residual else painted.tanh(), plan)


class Convolutions(Block, nn.Sequential):
    """Two convolutions with group normalisation and activation."""


def _block(inputs: int, outputs: int) -> Convolutions:
    groups = max(1, outputs // 16)
    return Convolutions(
        Conv3x3(inputs, outputs, bias=False),
        nn.GroupNorm(groups, outputs),
        nn.ReLU(),
        Conv3x3(outputs, outputs, bias=False),
        nn.GroupNorm(groups, outputs),
        nn.ReLU(),
    )
