"""3x3 convolution, on CPUs in a quarter of the multiplications."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from talkface.ops import native
from talkface.ops.backend import is_native
from talkface.ops.errors import check

NARROW = 16
"""Channels in or out below which the transforms cost more than they save."""

FEW = 16
"""Tiles of 4x4 pixels below which to transform the weight costs more than it saves."""

TILE = 4


def conv3x3(
    x: Float[Tensor, "n i h w"], weight: Float[Tensor, "o i 3 3"]
) -> Float[Tensor, "n o h w"]:
    """Convolve with stride 1, a pixel of zeros around the images: same size out as in.

    Raises:
        OpsInputError: Numbers are not floating, or devices or dtypes differ.
    """
    if not isinstance(x, Tensor) or _casts(x.device):
        return conv3x3_reference(x, weight)  # torch.fx has proxies, autocast casts by itself
    check("conv3x3", x, weight, "weight", alike=True)
    if is_native(x) and pays(x, weight):
        return native.conv3x3(x, weight)
    return conv3x3_reference(x, weight)


def _casts(device: torch.device) -> bool:
    """Whether autocast is on; devices that only know shapes have none."""
    kind = device.type
    return torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)


def pays(x: Float[Tensor, "n i h w"], weight: Float[Tensor, "o i 3 3"]) -> bool:
    """Whether the native convolution is the quicker one, as was measured: docs/kernels.md."""
    if x.device.type != "cpu" or x.dtype != torch.float32 or min(weight.shape[:2]) < NARROW:
        return False
    tiles = len(x) * -(-x.shape[2] // TILE) * -(-x.shape[3] // TILE)
    return tiles >= FEW and native.is_channels_last(x, weight)


def conv3x3_reference(
    x: Float[Tensor, "n i h w"], weight: Float[Tensor, "o i 3 3"]
) -> Float[Tensor, "n o h w"]:
    """``conv3x3`` word for word, in pure PyTorch: what native kernels are held against."""
    return F.conv2d(x, weight, padding=1)
