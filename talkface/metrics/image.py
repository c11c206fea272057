"""Frames as a file holds them, and their PSNR and SSIM against true ones, frame by frame."""

import torch
from jaxtyping import Float
from torch import Tensor
from torchmetrics.functional.image import (
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)

SIGMA = 1.5
RADIUS = 5
"""Standard deviation and reach in pixels of the window of SSIM."""


def unit(images: Float[Tensor, "*n h w"]) -> Float[Tensor, "*n h w"]:
    """Images from [-1, 1] to [0, 1], rounded to the 256 levels of a picture file."""
    levels = ((images.float() + 1) * 127.5).clamp(0, 255).round()
    return levels / 255


def frame_psnr(
    preds: Float[Tensor, "t 3 h w"], target: Float[Tensor, "t 3 h w"]
) -> Float[Tensor, " t"]:
    """Peak signal-to-noise ratio of every frame in dB, infinite where the two are equal.

    Args:
        preds: RGB in [0, 1], as floating-point numbers: differences of 8-bit integers wrap and
            flatter bad pictures.
        target: The same for the truth.
    """
    values: Tensor = peak_signal_noise_ratio(
        preds, target, data_range=1.0, reduction="none", dim=(1, 2, 3)
    )
    return values


def frame_ssim(
    preds: Float[Tensor, "t 3 h w"], target: Float[Tensor, "t 3 h w"]
) -> Float[Tensor, " t"]:
    """Structural similarity of every frame, Gaussian window of 1.5 pixels (Wang et al. 2004).

    Only windows that lie inside the picture count, as in the authors' program and scikit-image.

    Args:
        preds: RGB in [0, 1], more than 10 pixels on every side.
        target: The same for the truth.
    """
    _, everywhere = structural_similarity_index_measure(
        preds, target, data_range=1.0, sigma=SIGMA, return_full_image=True
    )
    inside = everywhere[:, :, RADIUS:-RADIUS, RADIUS:-RADIUS]
    return inside.flatten(1).mean(1)


def clip_psnr(preds: Float[Tensor, "t 3 h w"], target: Float[Tensor, "t 3 h w"]) -> float:
    """Mean PSNR in dB over those frames of a clip that differ from the truth at all.

    A frame that equals the truth to the last bit has an infinite PSNR, and a single one would
    hide all others. If every frame equals the truth, so is the result infinite.
    """
    values = frame_psnr(preds, target)
    finite = values[values.isfinite()]
    return float(finite.mean()) if len(finite) else torch.inf
