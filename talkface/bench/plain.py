"""StyleGAN2 synthesis as it is usually written: the measure that the generator is held against.

As in the public PyTorch implementations with reference operations (Karras et al. 2020, sec. 2.2 and
app. B, https://arxiv.org/abs/1912.04958): weights are modulated for every sample and convolved in
groups, re-sampling inserts zeros, pads and convolves.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from talkface.models import Generator
from talkface.models.generator import Level
from talkface.models.layers import ModulatedConv, NoisyActivation


def plain_paint(generator: Generator, styles: Float[Tensor, "n l c"]) -> Float[Tensor, "n p s s"]:
    """What ``generator.paint`` paints without splices, to rounding.

    Args:
        generator: A generator with ``splices=False``.
        styles: Style of every level.
    """
    x = generator.constant.expand(len(styles), -1, -1, -1)
    picture: Tensor | None = None
    for i, level in enumerate(generator.levels):
        x, picture = _level(level, x, picture, styles[:, i])  # type: ignore[arg-type]
    if picture is None:
        raise RuntimeError("a generator without levels paints nothing")
    return picture


def _level(
    level: Level, x: Tensor, picture: Tensor | None, style: Float[Tensor, "n c"]
) -> tuple[Tensor, Tensor]:
    x = _activate(level.first_activation, _convolve(level.first, x, style))
    x = _activate(level.second_activation, _convolve(level.second, x, style))
    painted = _convolve(level.paint, x, style) + level.paint_bias[:, None, None]
    if picture is not None:
        painted = painted + _resample(picture, level.fir, up=2, pad=(2, 1))
    return x, painted


def _convolve(layer: ModulatedConv, x: Tensor, style: Tensor) -> Tensor:
    n, inputs, height, width = x.shape
    weight = layer.weight * layer.scale * layer.affine(style)[:, None, :, None, None]
    if layer.demodulate:
        weight = weight * torch.rsqrt(weight.square().sum((2, 3, 4), keepdim=True) + 1e-8)
    outputs, side = weight.shape[1], weight.shape[-1]
    x = x.reshape(1, n * inputs, height, width)
    if layer.up:
        weight = weight.transpose(1, 2).reshape(n * inputs, outputs, side, side)
        x = F.conv_transpose2d(x, weight, stride=2, groups=n)
        return _resample(x.unflatten(1, (n, outputs))[0], layer.fir, pad=(1, 1))
    weight = weight.reshape(n * outputs, inputs, side, side)
    x = F.conv2d(x, weight, padding=side // 2, groups=n)
    convolved: Tensor = x.unflatten(1, (n, outputs))[0]
    return convolved


def _activate(layer: NoisyActivation, x: Tensor) -> Tensor:
    noise = torch.randn_like(x[:, :1]) if layer.training else layer.fixed
    x = x + noise * layer.strength + layer.bias[:, None, None]
    activated: Tensor = F.leaky_relu(x, 0.2) * math.sqrt(2)
    return activated


def _resample(x: Tensor, kernel: Tensor, up: int = 1, pad: tuple[int, int] = (0, 0)) -> Tensor:
    n, c, h, w = x.shape
    x = x.reshape(n * c, 1, h, 1, w, 1)
    x = F.pad(x, [0, up - 1, 0, 0, 0, up - 1]).reshape(n * c, 1, h * up, w * up)
    x = F.conv2d(F.pad(x, [*pad, *pad]), kernel.flip(0, 1)[None, None])
    return x.reshape(n, c, *x.shape[2:])
