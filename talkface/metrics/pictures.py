"""Judges of pictures and points: figures of one clip, measured per frame, then averaged."""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from talkface.metrics.cpbd import BLOCK, cpbd
from talkface.metrics.holes import holes
from talkface.metrics.image import clip_psnr, frame_ssim
from talkface.metrics.judge import Shown
from talkface.metrics.landmarks import landmark_distance
from talkface.metrics.likeness import identity_similarity
from talkface.metrics.temporal import flicker, jitter

CHUNK = 32
"""Frames that a network is shown at once."""

Embedding = Callable[[Float[Tensor, "n 3 h w"]], Float[Tensor, "n d"]]
"""RGB in [0, 1] to what tells people apart."""


class Pictures:
    """How good the frames are, each by itself and in their order."""

    metrics = ("psnr", "ssim", "cpbd", "holes", "flicker")

    def __call__(self, shown: Shown, truth: Shown) -> dict[str, float]:
        """Figures of one clip; CPBD is NaN for frames smaller than one of its blocks."""
        frames, true = shown.frames, truth.frames
        large = min(frames.shape[-2:]) >= BLOCK
        return {
            "psnr": clip_psnr(frames, true),
            "ssim": float(frame_ssim(frames, true).mean()),
            "cpbd": float(cpbd(frames).mean()) if large else math.nan,
            "holes": float(holes(frames, true).mean()),
            "flicker": float(flicker(frames, true).mean()),
        }


class Points:
    """Where the landmarks lie and how they move."""

    metrics = ("lmd_mouth", "lmd_face", "jitter")

    def __call__(self, shown: Shown, truth: Shown) -> dict[str, float]:
        """Figures of one clip in pixels, NaN where no landmarks are known."""
        points, true = shown.landmarks, truth.landmarks
        figures = dict.fromkeys(self.metrics, math.nan)
        if points is None:
            return figures
        figures["jitter"] = float(jitter(points).nanmean())
        if true is not None:
            figures["lmd_mouth"] = float(landmark_distance(points, true, "mouth").nanmean())
            figures["lmd_face"] = float(landmark_distance(points, true, "face").nanmean())
        return figures


class Likeness:
    """How much every frame looks like the identity, which is the first frame of the truth.

    Args:
        network: Turns RGB frames in [0, 1] into embeddings that tell people apart.
    """

    metrics = ("csim",)

    def __init__(self, network: Embedding) -> None:
        self.network = network

    @torch.no_grad()
    def __call__(self, shown: Shown, truth: Shown) -> dict[str, float]:
        """Mean cosine of one clip, in [-1, 1]."""
        identity = self.network(truth.frames[:1])
        embeddings = torch.cat([self.network(part) for part in shown.frames.split(CHUNK)])
        return {"csim": float(identity_similarity(embeddings, identity).mean())}
