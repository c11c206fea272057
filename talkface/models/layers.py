"""Layers of StyleGAN2 (Karras et al. 2020, https://arxiv.org/abs/1912.04958), and one of ours."""

import math
from contextlib import AbstractContextManager, nullcontext
from functools import cache

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from talkface import ranks
from talkface.ops import bias_act, conv3x3, fir_kernel, upfirdn2d


@cache
def smoothing(device: torch.device) -> Float[Tensor, "4 4"]:
    """Filter [1, 3, 3, 1] of doubled pictures.

    No buffer: an average of the weights would average it, too, and round a little each time.
    """
    with torch.inference_mode(False):
        return fir_kernel(gain=4.0).to(device)


def full_precision(device: torch.device) -> AbstractContextManager[object]:
    """Compute in 32 bits within a training in 16; devices that only know shapes have no such."""
    if not torch.amp.is_autocast_available(device.type):
        return nullcontext()
    return torch.autocast(device.type, enabled=False)


def convolve(
    x: Float[Tensor, "n i h w"], weight: Float[Tensor, "o i k k"]
) -> Float[Tensor, "n o h w"]:
    """Convolution without bias, same size out as in, for odd sides of the kernel."""
    if weight.shape[2:] == (3, 3):
        return conv3x3(x, weight)
    return F.conv2d(x, weight, padding=weight.shape[-1] // 2)


class Conv3x3(nn.Conv2d):
    """``nn.Conv2d`` of side 3, same size out as in, quicker on CPUs."""

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True) -> None:
        super().__init__(inputs, outputs, 3, padding=1, bias=bias)

    def forward(self, x: Float[Tensor, "n i h w"]) -> Float[Tensor, "n o h w"]:
        """Convolve."""
        x = conv3x3(x, self.weight)
        return x if self.bias is None else x + self.bias.to(x.dtype)[:, None, None]


class EqualLinear(nn.Module):
    """Linear layer with equalised learning rate: weights N(0, 1), scaled when used.

    Args:
        inputs: Width of the input.
        outputs: Width of the output.
        bias: Initial value of every bias.
    """

    def __init__(self, inputs: int, outputs: int, bias: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs))
        self.bias = nn.Parameter(torch.full((outputs,), bias))
        self.scale = 1 / math.sqrt(inputs)

    def forward(self, x: Float[Tensor, "*n i"]) -> Float[Tensor, "*n o"]:
        """Affine map."""
        return F.linear(x, self.weight * self.scale, self.bias)


class EqualConv(nn.Module):
    """Convolution without bias, equalised learning rate, same size out as in."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.scale = 1 / math.sqrt(inputs * kernel**2)

    def forward(self, x: Float[Tensor, "n i h w"]) -> Float[Tensor, "n o h w"]:
        """Convolve."""
        return convolve(x, self.weight * self.scale)


class ModulatedConv(nn.Module):
    r"""Convolution whose input channels are scaled by a style (Karras et al. 2020, sec. 2.2).

    Computed as input scaling, shared convolution, output scaling, which equals convolving every
    sample with its own weights $w'_{oik} = s_i w_{oik}$, demodulated by
    $\sqrt{\sum_{i,k} w'^2_{oik} + \epsilon}$.

    Args:
        inputs: Channels in.
        outputs: Channels out.
        kernel: Side of the kernel.
        style: Width of the style.
        demodulate: Normalise each output channel to unit expected variance.
        up: Double the side, filtered with [1, 3, 3, 1].
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        style: int,
        *,
        demodulate: bool = True,
        up: bool = False,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.scale = 1 / math.sqrt(inputs * kernel**2)
        self.affine = EqualLinear(style, inputs, bias=1.0)
        self.demodulate = demodulate
        self.up = up

    @property
    def fir(self) -> Float[Tensor, "4 4"]:
        """The filter of the up-sampling."""
        return smoothing(self.weight.device)

    def forward(
        self, x: Float[Tensor, "n i h w"], style: Float[Tensor, "n d"]
    ) -> Float[Tensor, "n o h2 w2"]:
        """Convolve ``x``, each sample with the weights that its ``style`` asks for."""
        scales = self.affine(style)
        weight = self.weight * self.scale
        x = x * scales[:, :, None, None].to(x.dtype)
        if self.up:
            x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
            x = upfirdn2d(x, self.fir, pad=(1, 1))
        else:
            x = convolve(x, weight)
        if self.demodulate:
            wide = torch.promote_types(scales.dtype, torch.float32)
            with full_precision(x.device):  # 1e-8 is 0 in 16 bits
                power = scales.to(wide).square() @ weight.to(wide).square().sum((2, 3)).T
            x = x * torch.rsqrt(power + 1e-8)[:, :, None, None].to(x.dtype)
        return x


class NoisyActivation(nn.Module):
    """Add noise of learned strength, then bias and scaled leaky ReLU.

    The noise is drawn anew for every sample in training; in evaluation it is one fixed image, so
    that the frames of a clip do not flicker.
    """

    fixed: Tensor

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("fixed", torch.randn(1, 1, side, side))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Activate."""
        noise = ranks.noise_like(x[:, :1]) if self.training else self.fixed.to(x.dtype)
        return bias_act(x + noise * self.strength.to(x.dtype), self.bias.to(x.dtype))


class Dropout(nn.Module):
    """Dropout whose draws for a sample do not depend on which process it is in.

    Args:
        p: Share of the values that are set to zero.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Float[Tensor, "n ..."]) -> Float[Tensor, "n ..."]:
        """Drop values in training."""
        if not self.training:
            return x
        kept = ranks.rows(lambda n: torch.rand(n, *x.shape[1:], device=x.device), len(x)) >= self.p
        return x * kept / (1 - self.p)


class RunningStandardize(nn.Module):
    """Subtract the running mean and divide by the running deviation, without learned parameters.

    Unlike batch normalisation it does in training exactly what it does in evaluation, so that a
    network behind it never sees another scale than the one it was trained on. The statistics are
    an exact mean at first and an exponential one from ``horizon`` batches on.

    Args:
        dim: Width of the codes.
        horizon: Number of batches that the statistics reach back.
    """

    mean: Tensor
    var: Tensor
    batches: Tensor

    def __init__(self, dim: int, horizon: int = 100) -> None:
        super().__init__()
        self.horizon = horizon
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("var", torch.ones(dim))
        self.register_buffer("batches", torch.zeros(()))

    def forward(self, x: Float[Tensor, "*n d"]) -> Float[Tensor, "*n d"]:
        """Standardise ``x``; in training, after taking it into account."""
        if self.training:
            self.update(x.detach().float().flatten(0, -2))
        return (x.float() - self.mean) * torch.rsqrt(self.var + 1e-5)

    @torch.no_grad()
    def update(self, x: Float[Tensor, "m d"]) -> None:
        """Take the batch of all processes into the statistics."""
        self.batches += 1
        weight = 1 / self.batches.clamp(max=self.horizon)
        centre = ranks.mean(x.mean(0))
        step = centre - self.mean
        spread = ranks.mean((x - centre).square().mean(0))  # never below 0, however it is rounded
        self.var.lerp_(spread + (1 - weight) * step.square(), weight)
        self.mean.add_(weight * step)
