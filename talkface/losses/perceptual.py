"""Reconstruction: of features and of pixels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from talkface import ranks
from talkface.losses.masks import region_weights
from talkface.losses.term import Term, rendered
from talkface.types import Rendering, Window

VGG_LAYERS = (1, 6, 11, 20, 29)
"""relu1_1, relu2_1, relu3_1, relu4_1, relu5_1 in ``torchvision.models.vgg19().features``."""


class FeatureNetworkError(RuntimeError):
    """The feature network of the perceptual loss cannot be had."""


class VGG19Features(nn.Module):
    """Five feature levels of VGG19 trained on ImageNet (Simonyan & Zisserman 2015).

    Raises:
        FeatureNetworkError: The weights are not in the cache and cannot be downloaded.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        from torchvision.models import VGG19_Weights, vgg19  # noqa: PLC0415  seconds to import

        try:
            network = vgg19(weights=VGG19_Weights.IMAGENET1K_V1)
        except OSError as error:
            raise FeatureNetworkError(
                f"the ImageNet weights of VGG19 could not be downloaded ({error}). Connect to the "
                "network once, or put vgg19-dcbb9e9d.pth into the torch hub cache "
                f"({torch.hub.get_dir()}/checkpoints), or set terms.vgg.init_args.network to an "
                "exported feature network (.pt2), or terms.vgg to null"
            ) from error
        self.features = network.features[: VGG_LAYERS[-1] + 1]
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406])[:, None, None])
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225])[:, None, None])

    def forward(self, image: Float[Tensor, "n 3 h w"]) -> list[Float[Tensor, "n _ _ _"]]:
        """Maps of images in [0, 1], large to small."""
        x = (image - self.mean) / self.std
        maps = []
        for i, layer in enumerate(self.features):
            x = layer(x) if not isinstance(layer, nn.ReLU) else F.relu(x)
            if i in VGG_LAYERS:
                maps.append(x)
        return maps


def load_features(network: Path | None) -> nn.Module:
    """Feature network from an exported program (.pt2), or VGG19 of torchvision.

    An exported program maps RGB in [0, 1] (n 3 h w) to a list of maps, large to small.
    """
    if network is None:
        return VGG19Features()
    if not network.is_file():
        raise FeatureNetworkError(
            f"no feature network at {network}; give the path of a torch.export program (.pt2), or "
            "leave terms.vgg.init_args.network empty to use VGG19 of torchvision"
        )
    try:
        return torch.export.load(network).module()
    except Exception as error:
        raise FeatureNetworkError(
            f"{network} is not a torch.export program that this torch reads ({error})"
        ) from error


class Perceptual(Term):
    r"""$\sum_l w_l \lVert \phi_l(I) - \phi_l(\hat I) \rVert_1$ (Johnson et al. 2016).

    Args:
        weight: Factor in the objective.
        network: Exported feature network; None for VGG19 of torchvision.
        layers: $w_l$ of the levels, large to small (default: Wang et al. 2018).
        mouth: Weight of the mouth against the rest of the picture.
        eyes: Weight of the eyes.
        frames: Frames of each run that are judged, other ones in each step; None for all.
            Neighbours look alike, and the features are the dearest part of a step.
    """

    def __init__(
        self,
        weight: float = 1.0,
        network: Path | None = None,
        layers: Sequence[float] = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0),
        mouth: float = 1.0,
        eyes: float = 1.0,
        frames: int | None = None,
    ) -> None:
        super().__init__(weight)
        self.layers = tuple(layers)
        self.frames = frames
        self.mouth = mouth
        self.eyes = eyes
        # Not a submodule: a frozen network belongs in no checkpoint, average or optimizer.
        self.features = [load_features(network).requires_grad_(False)]

    def _apply(self, fn: object, recurse: bool = True) -> "Perceptual":
        self.features[0]._apply(fn)
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def forward(self, rendering: Rendering, window: Window) -> Float[Tensor, ""]:
        """Weighted L1 distance of feature maps."""
        runs = rendered(rendering)
        chosen = torch.randperm(runs[0].shape[1])[: self.frames]
        frames, target, landmarks = (x[:, chosen].flatten(0, 1) for x in runs)
        network = self.features[0]
        drives = len(runs[0]) // len(window.frames)  # each is to look like the same frames
        with torch.no_grad():
            truth = network(target[: len(target) // drives] / 2 + 0.5)
        guess = network(frames.clamp(-1.5, 1.5) / 2 + 0.5)
        weights = region_weights(landmarks, frames.shape[-1], self.mouth, self.eyes)
        total = frames.new_zeros(())
        for factor, real, fake in zip(self.layers, truth, guess, strict=True):
            mask = F.interpolate(weights, real.shape[2:], mode="area")
            distance = (real - fake.unflatten(0, (drives, -1))).abs().flatten(0, 1)
            total = total + factor * (distance * mask).mean() / ranks.mean(mask.mean())
        return total


class Pixel(Term):
    r"""$\lVert I - \hat I \rVert_1$ in units of the [-1, 1] range, mouth and eyes weighed up.

    Args:
        weight: Factor in the objective.
        mouth: Weight of the mouth against the rest of the picture.
        eyes: Weight of the eyes.
        power: 1 for the absolute distance, 2 for its square. A portrait that is repeated is a
            minimum of the first, since most pixels hardly change; the square leaves it sooner.
    """

    def __init__(
        self,
        weight: float = 1.0,
        mouth: float = 1.0,
        eyes: float = 1.0,
        power: Literal[1, 2] = 1,
    ) -> None:
        super().__init__(weight)
        self.mouth = mouth
        self.eyes = eyes
        self.power = power

    def forward(self, rendering: Rendering, window: Window) -> Float[Tensor, ""]:
        """Weighted distance of pixels."""
        frames, target, landmarks = (x.flatten(0, 1) for x in rendered(rendering))
        weights = region_weights(landmarks, frames.shape[-1], self.mouth, self.eyes)
        distance = (frames.float() - target).abs().pow(self.power)
        return (distance * weights).mean() / ranks.mean(weights.mean())
