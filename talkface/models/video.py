"""The video encoder: what lips, eyes and contour do."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from talkface.models.fan import FAN
from talkface.models.layers import RunningStandardize, full_precision

LIPS = tuple(range(48, 68))
EYES = (*range(17, 27), *range(36, 48))
CONTOUR = (*range(17), *range(27, 36))


class VideoCodes(NamedTuple):
    """What the video encoder says of every frame.

    Attributes:
        lips: f_lip, in the space of the audio codes.
        eyes: Eyes and brows; of width 0 where the encoder has no face feature.
        contour: Jaw line and nose: also head motion; as wide as ``eyes``.
        landmarks: Soft-argmax of the heat-maps, in pixels of the frames.
    """

    lips: Float[Tensor, "b t d"]
    eyes: Float[Tensor, "b t e"]
    contour: Float[Tensor, "b t e"]
    landmarks: Float[Tensor, "b t 68 2"]

    @property
    def face(self) -> Float[Tensor, "b t f"]:
        """f_f: eyes and contour."""
        return torch.cat([self.eyes, self.contour], dim=-1)


class RegionHead(nn.Module):
    """Features under the heat-maps of some points, and where they are, to one code.

    Where the points are is standardised first: they move by a pixel or less, which beside the
    features would be nothing. So is where they are beside their centre: a lid moves less than the
    head that carries it, and in absolute places a blink would drown. In hundredths of the side, so
    that the least movements are far above what keeps the standardisation from dividing by zero.

    Args:
        points: Indices of the points.
        features: Channels of the features.
        hidden: Width of the hidden layer for the features.
        dim: Width of the code.
    """

    def __init__(self, points: tuple[int, ...], features: int, hidden: int, dim: int) -> None:
        super().__init__()
        self.points = points
        self.places = RunningStandardize(2 * len(points) + 2)
        self.net = nn.Sequential(
            nn.Linear(len(points) * features, hidden),
            nn.LayerNorm(hidden),
            nn.SiLU(),
            nn.Linear(hidden, dim),
        )
        self.geometry = nn.Linear(2 * len(points) + 2, dim)
        self.standard = RunningStandardize(dim)

    def forward(
        self, pooled: Float[Tensor, "n 68 c"], places: Float[Tensor, "n 68 2"]
    ) -> Float[Tensor, "n d"]:
        """Encode one region from features and places of all points."""
        points = list(self.points)
        centre = places[:, points].mean(1, keepdim=True)
        beside = places[:, points] - centre
        where = self.places(100 * torch.cat([centre, beside], 1).flatten(1))
        code: Tensor = self.standard(self.net(pooled[:, points].flatten(1)) + self.geometry(where))
        return code


class VideoEncoder(nn.Module):
    """Modified FAN: a trunk of hourglasses and one head per face region.

    Args:
        dim: Width of f_lip; that of the audio code.
        face_dim: Width of each of the codes of eyes and contour; narrow, so that identity cannot
            leak through them. 0 for no face feature: neither has a head then.
        fan: The trunk.
        side: Side to which frames are resized first; None leaves them as they are.
        hidden: Width of the hidden layer of every head.
    """

    def __init__(
        self,
        dim: int = 256,
        face_dim: int = 32,
        fan: FAN | None = None,
        side: int | None = None,
        hidden: int = 256,
    ) -> None:
        super().__init__()
        self.trunk = fan or FAN()
        self.side = side
        features = self.trunk.features
        self.temperature = nn.Parameter(torch.tensor(10.0))
        self.lips = RegionHead(LIPS, features, hidden, dim)
        self.eyes = RegionHead(EYES, features, hidden, face_dim) if face_dim else None
        self.contour = RegionHead(CONTOUR, features, hidden, face_dim) if face_dim else None

    def forward(self, frames: Float[Tensor, "b t 3 s s"]) -> VideoCodes:
        """Encode frames in [-1, 1]."""
        side = frames.shape[-1]
        x = frames.flatten(0, 1) / 2 + 0.5
        if self.side is not None and self.side != side:
            x = F.interpolate(x, (self.side, self.side), mode="bilinear", antialias=True)
        features, heat = self.trunk.maps(x)
        attention = torch.softmax(heat.float().flatten(2) * self.temperature, dim=2)
        pooled = attention @ features.float().flatten(2).transpose(1, 2)
        places = soft_argmax(attention.unflatten(2, heat.shape[2:]))
        codes = [
            pooled.new_zeros(len(pooled), 0) if head is None else head(pooled, places)
            for head in (self.lips, self.eyes, self.contour)
        ]
        landmarks = places * side - 0.5
        b, t = frames.shape[:2]
        lips, eyes, contour, landmarks = (x.unflatten(0, (b, t)) for x in (*codes, landmarks))
        return VideoCodes(lips, eyes, contour, landmarks)


def soft_argmax(attention: Float[Tensor, "n p h w"]) -> Float[Tensor, "n p 2"]:
    """Expected place (x, y) under each map, in fractions of the side; maps sum to 1.

    In full precision: with 8 bits of mantissa, places at 256 px would be a whole pixel apart.
    """
    h, w = attention.shape[2:]
    ys = (torch.arange(h, device=attention.device) + 0.5) / h
    xs = (torch.arange(w, device=attention.device) + 0.5) / w
    with full_precision(attention.device):
        return torch.stack([attention.sum(2) @ xs, attention.sum(3) @ ys], dim=-1)
