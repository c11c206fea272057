"""Augmentation of driving frames, so that their features carry motion and not appearance."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from kornia.geometry.transform import get_affine_matrix2d, warp_affine
from torch import Tensor

from talkface import ranks

YUV = torch.tensor([[0.299, 0.587, 0.114], [-0.147, -0.289, 0.436], [0.615, -0.515, -0.100]])
"""RGB to luma and two colour differences (ITU-R BT.601)."""


@dataclass(frozen=True)
class Augment:
    """How far driving frames may stray from the truth; 0 switches a kind off.

    Attributes:
        brightness: Factor within 1 ± this.
        contrast: Factor within 1 ± this.
        saturation: Factor within 1 ± this.
        hue: Turn of the colour circle within ± this, 0.5 being half a turn.
        degrees: Rotation within ± this.
        translate: Shift within ± this share of the side.
        scale: Factor within 1 ± this.
    """

    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2
    hue: float = 0.03
    degrees: float = 3.0
    translate: float = 0.02
    scale: float = 0.03

    def __post_init__(self) -> None:
        limits = {"degrees": 180.0, "hue": 0.5, "translate": 1.0}
        for name, value in vars(self).items():
            limit = limits.get(name, 0.99)
            if not 0 <= value <= limit:
                raise ValueError(f"`data.augment.{name}` is {value}; use 0 to {limit}.")

    @property
    def moves(self) -> bool:
        """Whether the geometry changes."""
        return max(self.degrees, self.translate, self.scale) > 0


def augment(
    frames: Float[Tensor, "b t 3 h w"],
    landmarks: Float[Tensor, "b t 68 2"],
    settings: Augment,
    rng: torch.Generator | None = None,
) -> tuple[Float[Tensor, "b t 3 h w"], Float[Tensor, "b t 68 2"]]:
    """Change colour and geometry, by one draw per clip that holds for all its frames.

    Args:
        frames: RGB in [-1, 1].
        landmarks: Points in pixels, moved along with the picture.
        settings: Strengths.
        rng: Where to draw from, on the CPU: the same on every device. None for torch's own.

    Returns:
        Frames in [-1, 1] and their landmarks.
    """
    batch, count, _, height, width = frames.shape
    images, moved = _recoloured((frames + 1) / 2, settings, rng), landmarks
    if settings.moves:
        matrix = _matrices(batch, height, width, settings, rng).to(frames)
        repeated = matrix.repeat_interleave(count, dim=0)
        images = warp_affine(
            images.flatten(0, 1), repeated, (height, width), padding_mode="border"
        ).unflatten(0, (batch, count))
        moved = landmarks @ matrix[:, None, :, :2].mT + matrix[:, None, None, :, 2]
    return (images * 2 - 1).clamp(-1, 1), moved


def _recoloured(
    images: Float[Tensor, "b t 3 h w"], settings: Augment, rng: torch.Generator | None
) -> Float[Tensor, "b t 3 h w"]:
    r"""One affine map of colours in [0, 1] per clip, which is all four changes at once.

    $$x \mapsto \beta (\kappa (M x - \mu) + \mu), \quad
    M = T^{-1} \operatorname{diag}(1, \sigma R_\theta)\, T$$

    with brightness $\beta$, contrast $\kappa$ about the mean luma $\mu$ of the clip, saturation
    $\sigma$, hue angle $\theta$ and $T$ from RGB to YUV.
    """
    batch = len(images)
    brightness, contrast, saturation = (
        1 + _uniform(batch, s, rng)
        for s in (settings.brightness, settings.contrast, settings.saturation)
    )
    angle = _uniform(batch, settings.hue, rng) * 2 * torch.pi
    chroma = torch.eye(3).repeat(batch, 1, 1)
    chroma[:, 1, 1] = chroma[:, 2, 2] = saturation * angle.cos()
    chroma[:, 2, 1] = saturation * angle.sin()
    chroma[:, 1, 2] = -chroma[:, 2, 1]
    factor = (brightness * contrast)[:, None, None].to(images)
    matrix = torch.linalg.inv(YUV) @ chroma @ YUV
    mean = images.mean(dim=(1, 3, 4)) @ YUV[0].to(images)
    offset = (brightness * (1 - contrast)).to(images) * mean
    mapped = (factor * matrix.to(images))[:, None] @ images.flatten(3)
    shifted: Tensor = mapped + offset[:, None, None, None]
    return shifted.clamp(0, 1).view_as(images)


def _matrices(
    batch: int, height: int, width: int, settings: Augment, rng: torch.Generator | None
) -> Float[Tensor, "b 2 3"]:
    """Affine maps in pixels about the centre of the picture."""
    size = torch.tensor([width, height], dtype=torch.float32)
    shift = _uniform(batch, settings.translate, rng, 2) * size
    factor = 1 + _uniform(batch, settings.scale, rng)
    matrix: Tensor = get_affine_matrix2d(
        translations=shift,
        center=((size - 1) / 2).expand(batch, 2),
        scale=factor[:, None].expand(batch, 2),
        angle=_uniform(batch, settings.degrees, rng),
    )
    return matrix[:, :2]


def _uniform(
    count: int, strength: float, rng: torch.Generator | None, *shape: int
) -> Float[Tensor, "n ..."]:
    """Numbers in ± ``strength``."""
    drawn = ranks.rows(lambda n: torch.rand(n, *shape, generator=rng), count)
    return (2 * drawn - 1) * strength
