"""Frames as a file holds them, and their PSNR and SSIM against true ones, frame by frame."""

import torch
from jaxtyping import Float
from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio

from talkface.metrics.mean import Mean

SIGMA = 1.5
RADIUS = 5
"""Standard deviation and reach in pixels of the window of SSIM."""

C1, C2 = 0.01**2, 0.03**2
"""Constants of SSIM for pictures in [0, 1]."""


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

    Raises:
        TypeError: If either holds integers.
    """
    _refuse_integers(preds, target)
    values: Tensor = peak_signal_noise_ratio(
        preds, target, data_range=1.0, reduction="none", dim=(1, 2, 3)
    )
    return values


def frame_ssim(
    preds: Float[Tensor, "t 3 h w"], target: Float[Tensor, "t 3 h w"]
) -> Float[Tensor, " t"]:
    """Structural similarity of every frame, Gaussian window of 1.5 pixels (Wang et al. 2004).

    Only windows that lie inside the picture count, as in the authors' program and scikit-image.
    Variances are small differences of large numbers: in 32 bits, as torchmetrics has it, equal
    flat pictures are as far as 0.003 from 1.

    Args:
        preds: RGB in [0, 1], more than 10 pixels on every side.
        target: The same for the truth.

    Raises:
        TypeError: If either holds integers.
    """
    _refuse_integers(preds, target)
    x, y = preds.double(), target.double()
    mean_x, mean_y = _windowed(x), _windowed(y)
    variances = _windowed(x * x + y * y) - mean_x**2 - mean_y**2
    covariance = _windowed(x * y) - mean_x * mean_y
    structure = (2 * covariance + C2) / (variances + C2)
    luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    return (luminance * structure).mean((1, 2, 3)).float()


def _windowed(images: Float[Tensor, "t 3 h w"]) -> Float[Tensor, "t 3 _ _"]:
    """Gaussian mean around every pixel whose window lies inside the picture."""
    steps = torch.arange(-RADIUS, RADIUS + 1, device=images.device, dtype=images.dtype)
    weights = torch.softmax(-(steps**2) / (2 * SIGMA**2), 0)
    down, right = (
        torch.eye(size, device=images.device, dtype=images.dtype).unfold(0, len(steps), 1) @ weights
        for size in images.shape[2:]
    )
    return down @ images @ right.T


def clip_psnr(preds: Float[Tensor, "t 3 h w"], target: Float[Tensor, "t 3 h w"]) -> float:
    """Mean PSNR in dB over those frames of a clip that differ from the truth at all.

    A frame that equals the truth to the last bit has an infinite PSNR, and a single one would
    hide all others. If every frame equals the truth, so is the result infinite.
    """
    values = frame_psnr(preds, target)
    unequal = values[~values.isinf()]
    return float(unequal.mean()) if len(unequal) else torch.inf


def _refuse_integers(*images: Tensor) -> None:
    for each in images:
        if not each.is_floating_point():
            raise TypeError(
                f"Pictures are compared as floating-point numbers in [0, 1], but got {each.dtype}: "
                "divide 8-bit pictures by 255 first; differences of integers wrap."
            )


class FramePSNR(Mean):
    r"""Mean peak signal-to-noise ratio over frames, in dB.

    $$10 \log_{10} \frac{1}{\operatorname{mean}((\hat x - x)^2)}$$

    of every frame, RGB in [0, 1]. Frames that equal the truth to the last bit have no finite ratio;
    they are left out and counted in ``left_out``. If all do, so is the mean infinite.

    Example:
        >>> FramePSNR()(torch.full((1, 3, 4, 4), 0.6), torch.full((1, 3, 4, 4), 0.5))
        tensor(20.0000)
    """

    higher_is_better = True

    def update(self, preds: Float[Tensor, "t 3 h w"], target: Float[Tensor, "t 3 h w"]) -> None:
        """Add frames and true ones, RGB in [0, 1]."""
        values = frame_psnr(preds, target)
        self.add(values, ~values.isinf())

    def compute(self) -> Float[Tensor, ""]:
        """Mean ratio in dB; NaN if there were no frames."""
        everywhere = (self.count == 0) & (self.left_out > 0)
        return super().compute().masked_fill(everywhere, torch.inf)


class FrameSSIM(Mean):
    r"""Mean structural similarity over frames, at most 1, which only equal frames have.

    $$\frac{(2 \mu_x \mu_y + c_1)(2 \sigma_{xy} + c_2)}
    {(\mu_x^2 + \mu_y^2 + c_1)(\sigma_x^2 + \sigma_y^2 + c_2)}$$

    with moments in a Gaussian window, $c_1 = 0.01^2$, $c_2 = 0.03^2$, averaged over windows and
    colours (Wang et al. 2004, https://doi.org/10.1109/TIP.2003.819861).

    Example:
        >>> FrameSSIM()(torch.ones(1, 3, 16, 16), torch.full((1, 3, 16, 16), 0.5))
        tensor(0.8000)
    """

    higher_is_better = True

    def update(self, preds: Float[Tensor, "t 3 h w"], target: Float[Tensor, "t 3 h w"]) -> None:
        """Add frames and true ones, RGB in [0, 1], more than 10 pixels on every side."""
        self.add(frame_ssim(preds, target))
