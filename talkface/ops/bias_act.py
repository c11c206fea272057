"""Bias followed by a scaled leaky ReLU."""

import math

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from talkface.ops import native
from talkface.ops.backend import is_native
from talkface.ops.errors import check


def bias_act(
    x: Float[Tensor, "n c *hw"], bias: Float[Tensor, " c"], slope: float = 0.2
) -> Float[Tensor, "n c *hw"]:
    """Add ``bias`` per channel, then leaky ReLU, then the gain that keeps unit variance.

    The gain is sqrt(2), as in Karras et al. 2020 (https://arxiv.org/abs/1912.04958).

    Raises:
        OpsInputError: Numbers are not floating, or devices or dtypes differ.
    """
    check("bias_act", x, bias, "bias", alike=True)
    if slope >= 0 and is_native(x):
        return native.bias_act(x, bias, slope)
    return bias_act_reference(x, bias, slope)


def bias_act_reference(
    x: Float[Tensor, "n c *hw"], bias: Float[Tensor, " c"], slope: float = 0.2
) -> Float[Tensor, "n c *hw"]:
    """``bias_act`` word for word, in pure PyTorch: what native kernels are held against."""
    shaped = bias.view(1, -1, *([1] * (x.ndim - 2)))
    return F.leaky_relu(x + shaped, slope) * math.sqrt(2)
