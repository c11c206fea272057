"""Bias followed by a scaled leaky ReLU."""

import math

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def bias_act(
    x: Float[Tensor, "n c *hw"], bias: Float[Tensor, " c"], slope: float = 0.2
) -> Float[Tensor, "n c *hw"]:
    """Add ``bias`` per channel, then leaky ReLU, then the gain that keeps unit variance.

    The gain is sqrt(2), as in Karras et al. 2020 (https://arxiv.org/abs/1912.04958).
    """
    shaped = bias.view(1, -1, *([1] * (x.ndim - 2)))
    return F.leaky_relu(x + shaped, slope) * math.sqrt(2)
