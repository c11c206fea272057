"""LPIPS of clips and FID of rows, by networks that were trained on ImageNet."""

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

from talkface.metrics.judge import Shown

SMALLEST = 31
"""Least side in pixels from which AlexNet has all of its five levels."""

BATCH = 16
"""Frames that go through a network at once."""


class Lpips:
    """Learned perceptual distance of a clip from the truth, mean over frames; 0 = the same.

    LPIPS was tuned to human judgements of 64 x 64 patches (Zhang et al. 2018,
    https://arxiv.org/abs/1801.03924). Frames are compared at the size they have, as its authors'
    program does, so figures of different resolutions do not compare.

    Args:
        network: Distances of pictures in [0, 1]: ``talkface.metrics.pretrained.lpips_network()``.
    """

    metrics: tuple[str, ...] = ("lpips",)

    def __init__(self, network: LearnedPerceptualImagePatchSimilarity) -> None:
        self.network = network

    @torch.no_grad()
    def __call__(self, shown: Shown, truth: Shown) -> dict[str, float]:
        """Distance of ``shown`` from ``truth``, frame by frame.

        Raises:
            ValueError: If the frames are smaller than ``SMALLEST``.
        """
        height, width = shown.frames.shape[2:]
        if min(height, width) < SMALLEST:
            raise ValueError(
                f"LPIPS with AlexNet needs frames of at least {SMALLEST} x {SMALLEST} pixels, but "
                f"these are {height} x {width}: render larger ones, or leave LPIPS out."
            )
        network = self.network.to(shown.frames.device)
        pairs = zip(shown.frames.split(BATCH), truth.frames.split(BATCH), strict=True)
        distances = torch.cat([network(*pair).reshape(-1) for pair in pairs])
        network.reset()
        return {"lpips": float(distances.mean())}


class PooledFid:
    r"""Fréchet inception distance of every row from the truth, pooled over the frames of all clips.

    $$\lVert \mu - \hat\mu \rVert^2 + \operatorname{tr}(\Sigma + \hat\Sigma -
    2 (\Sigma \hat\Sigma)^{1/2})$$

    of features of true and shown frames (Heusel et al. 2017, https://arxiv.org/abs/1706.08500);
    lower is better. It depends on the number of frames, and strongly below some 10,000: only rows
    of the same frames compare.

    Args:
        network: Bytes of RGB to features: ``talkface.metrics.pretrained.fid_network()``.
        dim: Number of features.
    """

    metric = "fid"

    def __init__(self, network: nn.Module, dim: int = 2048) -> None:
        self.network, self.dim = network, dim
        self.rows: dict[str, FrechetInceptionDistance] = {}

    @torch.no_grad()
    def update(
        self, rows: Mapping[str, Float[Tensor, "t 3 h w"]], truth: Float[Tensor, "t 3 h w"]
    ) -> None:
        """Add a clip; every frame goes through the network once.

        Args:
            rows: Frames of every row, RGB in [0, 1].
            truth: The true frames.
        """
        real = self.features(truth)
        for row, frames in rows.items():
            if row not in self.rows:
                self.rows[row] = FrechetInceptionDistance(_Given(self.dim)).to(frames.device)
            self.rows[row].update(real, real=True)
            self.rows[row].update(self.features(frames), real=False)

    def compute(self) -> dict[str, float]:
        """The distance of every row over all clips of all processes; NaN below two frames."""
        return {row: _distance(metric) for row, metric in self.rows.items()}

    def features(self, frames: Float[Tensor, "t 3 h w"]) -> Float[Tensor, "t d"]:
        """Features of RGB frames in [0, 1]."""
        network = self.network.to(frames.device)
        levels = (frames * 255).round().byte()
        return torch.cat([network(part) for part in levels.split(BATCH)])


class _Given(nn.Module):
    """Stands where torchmetrics wants a network; features are computed once for all rows."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.num_features = dim

    def forward(self, features: Tensor) -> Tensor:
        return features


def _distance(metric: FrechetInceptionDistance) -> float:
    try:
        return float(metric.compute())
    except RuntimeError as error:
        if "More than one sample" not in str(error):
            raise
        return math.nan
