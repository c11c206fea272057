"""The face alignment network (Bulat & Tzimiropoulos 2017, https://arxiv.org/abs/1703.07332).

Module names follow the released models, so that their state dicts load.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from talkface.types import LANDMARKS


class ConvBlock(nn.Module):
    """Pre-activated residual block of three 3x3 convolutions whose outputs are concatenated."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half, quarter = outputs // 2, outputs // 4
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, half, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(half)
        self.conv2 = nn.Conv2d(half, quarter, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(quarter)
        self.conv3 = nn.Conv2d(quarter, quarter, 3, padding=1, bias=False)
        self.downsample = (
            None
            if inputs == outputs
            else nn.Sequential(
                nn.BatchNorm2d(inputs), nn.ReLU(), nn.Conv2d(inputs, outputs, 1, bias=False)
            )
        )

    def forward(self, x: Float[Tensor, "n i h w"]) -> Float[Tensor, "n o h w"]:
        """Same side out as in."""
        first = self.conv1(F.relu(self.bn1(x)))
        second = self.conv2(F.relu(self.bn2(first)))
        third = self.conv3(F.relu(self.bn3(second)))
        residual = x if self.downsample is None else self.downsample(x)
        return torch.cat((first, second, third), 1) + residual


class HourGlass(nn.Module):
    """Down ``depth`` times and up again, with a residual block on every path."""

    def __init__(self, depth: int, features: int) -> None:
        super().__init__()
        self.depth = depth
        for level in range(1, depth + 1):
            for path in ("b1", "b2", "b3"):
                self.add_module(f"{path}_{level}", ConvBlock(features, features))
        self.b2_plus_1 = ConvBlock(features, features)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Same shape out as in."""
        return self._descend(self.depth, x)

    def _descend(self, level: int, x: Tensor) -> Tensor:
        skip: Tensor = self.get_submodule(f"b1_{level}")(x)
        low = self.get_submodule(f"b2_{level}")(F.avg_pool2d(x, 2))
        low = self._descend(level - 1, low) if level > 1 else self.b2_plus_1(low)
        low = self.get_submodule(f"b3_{level}")(low)
        return skip + F.interpolate(low, scale_factor=2.0, mode="nearest")


class FAN(nn.Module):
    """Stacked hourglasses: heat-maps of 68 points, and the features they are read from.

    With the default sizes it is ``face_alignment.models.FAN``, state dict included.

    Args:
        num_modules: Number of hourglasses. A state dict of more modules has all that fewer need.
        features: Channels of the hourglasses; 256 in the released models.
        depth: Halvings inside an hourglass.
        pool: Halve the side after the first block. The released models do, so that heat-maps are a
            quarter of the image side; without, they are half of it, for small images.
    """

    def __init__(
        self, num_modules: int = 1, features: int = 256, depth: int = 4, *, pool: bool = True
    ) -> None:
        super().__init__()
        self.num_modules = num_modules
        self.features = features
        self.pool = pool
        self.stride = 4 if pool else 2
        self.multiple = self.stride * 2**depth
        self.conv1 = nn.Conv2d(3, features // 4, 7, stride=2, padding=3)
        self.bn1 = nn.BatchNorm2d(features // 4)
        self.conv2 = ConvBlock(features // 4, features // 2)
        self.conv3 = ConvBlock(features // 2, features // 2)
        self.conv4 = ConvBlock(features // 2, features)
        for i in range(num_modules):
            self.add_module(f"m{i}", HourGlass(depth, features))
            self.add_module(f"top_m_{i}", ConvBlock(features, features))
            self.add_module(f"conv_last{i}", nn.Conv2d(features, features, 1))
            self.add_module(f"bn_end{i}", nn.BatchNorm2d(features))
            self.add_module(f"l{i}", nn.Conv2d(features, LANDMARKS, 1))
            if i < num_modules - 1:
                self.add_module(f"bl{i}", nn.Conv2d(features, features, 1))
                self.add_module(f"al{i}", nn.Conv2d(LANDMARKS, features, 1))

    def forward(self, x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 68 h2 w2"]:
        """Heat-maps of the last hourglass for images in [0, 1], 1 / ``stride`` of their side."""
        return self.maps(x)[1]

    def maps(
        self, x: Float[Tensor, "n 3 h w"]
    ) -> tuple[Float[Tensor, "n c h2 w2"], Float[Tensor, "n 68 h2 w2"]]:
        """Features and heat-maps of the last hourglass."""
        if x.shape[-1] % self.multiple or x.shape[-2] % self.multiple:
            raise ValueError(
                f"this FAN takes sides that {self.multiple} divides, got {tuple(x.shape[-2:])}"
            )
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.conv2(x)
        x = self.conv4(self.conv3(F.avg_pool2d(x, 2) if self.pool else x))
        features = heat = x
        for i in range(self.num_modules):
            features = self.get_submodule(f"top_m_{i}")(self.get_submodule(f"m{i}")(x))
            features = self.get_submodule(f"conv_last{i}")(features)
            features = F.relu(self.get_submodule(f"bn_end{i}")(features))
            heat = self.get_submodule(f"l{i}")(features)
            if i < self.num_modules - 1:
                bottom = self.get_submodule(f"bl{i}")(features)
                x = x + bottom + self.get_submodule(f"al{i}")(heat)
        return features, heat
