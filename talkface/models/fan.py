"""The face alignment network (Bulat & Tzimiropoulos 2017, https://arxiv.org/abs/1703.07332).

Module names follow the released models, so that their state dicts load.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from talkface.models.layers import Conv3x3
from talkface.models.norm import BatchNorm2d
from talkface.models.recompute import Block
from talkface.models.warmstart import Report, load_all
from talkface.models.weights import (
    RELEASED_FAN,
    WarmStartError,
    named_tensors,
    read_checkpoint,
    released_fan,
)
from talkface.types import LANDMARKS


class ConvBlock(Block):
    """Pre-activated residual block of three 3x3 convolutions whose outputs are concatenated."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half, quarter = outputs // 2, outputs // 4
        self.bn1 = BatchNorm2d(inputs)
        self.conv1 = Conv3x3(inputs, half, bias=False)
        self.bn2 = BatchNorm2d(half)
        self.conv2 = Conv3x3(half, quarter, bias=False)
        self.bn3 = BatchNorm2d(quarter)
        self.conv3 = Conv3x3(quarter, quarter, bias=False)
        self.downsample = (
            None
            if inputs == outputs
            else nn.Sequential(
                BatchNorm2d(inputs), nn.ReLU(), nn.Conv2d(inputs, outputs, 1, bias=False)
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
        init_from: Weights that ``warm_start`` loads: ``2DFAN-4`` for the released ones, which
            ``face_alignment`` downloads on first use, or a file: a state dict or a TorchScript
            archive, of at least as many modules. None for random weights.
        frozen: Leave these weights and the statistics of the normalisations as they are.

    Raises:
        ValueError: If random weights are to be frozen.
    """

    def __init__(
        self,
        num_modules: int = 1,
        features: int = 256,
        depth: int = 4,
        *,
        pool: bool = True,
        init_from: str | Path | None = None,
        frozen: bool = False,
    ) -> None:
        super().__init__()
        if frozen and init_from is None:
            raise ValueError(
                "a frozen FAN of random weights sees nothing: set `init_from` to "
                f"{RELEASED_FAN} or a file, or leave `frozen` out"
            )
        self.num_modules = num_modules
        self.features = features
        self.depth = depth
        self.pool = pool
        self.init_from = None if init_from is None else str(init_from)  # safe to unpickle
        self.frozen = frozen
        self.stride = 4 if pool else 2
        self.multiple = self.stride * 2**depth
        self.conv1 = nn.Conv2d(3, features // 4, 7, stride=2, padding=3)
        self.bn1 = BatchNorm2d(features // 4)
        self.conv2 = ConvBlock(features // 4, features // 2)
        self.conv3 = ConvBlock(features // 2, features // 2)
        self.conv4 = ConvBlock(features // 2, features)
        for i in range(num_modules):
            self.add_module(f"m{i}", HourGlass(depth, features))
            self.add_module(f"top_m_{i}", ConvBlock(features, features))
            self.add_module(f"conv_last{i}", nn.Conv2d(features, features, 1))
            self.add_module(f"bn_end{i}", BatchNorm2d(features))
            self.add_module(f"l{i}", nn.Conv2d(features, LANDMARKS, 1))
            if i < num_modules - 1:
                self.add_module(f"bl{i}", nn.Conv2d(features, features, 1))
                self.add_module(f"al{i}", nn.Conv2d(LANDMARKS, features, 1))
        self.requires_grad_(not frozen)
        self.train()

    def train(self, mode: bool = True) -> "FAN":
        """Set the mode of the normalisations; a frozen network stays in evaluation mode."""
        return super().train(mode and not self.frozen)

    def warm_start(self) -> Report | None:
        """Load the weights that ``init_from`` names; None if it names none.

        Raises:
            WarmStartError: There are no such weights, or they are of a network of another size.
        """
        if self.init_from is None:
            return None
        file = released_fan() if self.init_from == RELEASED_FAN else Path(self.init_from)
        weights = named_tensors(read_checkpoint(file), "state_dict")
        modules, features, depth = _sizes(weights)
        found = f"num_modules={modules}, features={features}, depth={depth}"
        if modules < self.num_modules or (features, depth) != (self.features, self.depth):
            raise WarmStartError(
                self.init_from,
                f"it holds a FAN of {found}" if modules else "it holds no FAN",
                f"This one has num_modules={self.num_modules}, features={self.features}, "
                f"depth={self.depth}. Set features and depth to those of the file, and num_modules "
                "to no more than it has.",
            )
        report = load_all(self, weights, file, f"They must be those of a FAN of {found}.")
        if self.pool:
            return report
        return report._replace(
            note="These weights were trained with pool=True; without, every layer behind the first "
            "block sees the picture twice as large as it was trained to."
        )

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


def _sizes(weights: Mapping[str, Tensor]) -> tuple[int, int, int]:
    """Hourglasses, features and depth of the FAN that a state dict is of; zeros for none."""
    stem = weights.get("conv1.weight")
    modules = {m[1] for name in weights if (m := re.match(r"m(\d+)\.", name))}
    depths = [int(m[1]) for name in weights if (m := re.match(r"m0\.b1_(\d+)\.", name))]
    return len(modules), 0 if stem is None else 4 * len(stem), max(depths, default=0)
