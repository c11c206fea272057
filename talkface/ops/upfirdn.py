"""Up-sample, filter, down-sample: the anti-aliased re-sampling of StyleGAN2."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def fir_kernel(taps: Sequence[float] = (1, 3, 3, 1), gain: float = 1.0) -> Float[Tensor, "p p"]:
    """Separable 2-D low-pass kernel whose entries sum to ``gain``."""
    row = torch.tensor(taps, dtype=torch.float32)
    kernel = torch.outer(row, row)
    return kernel / kernel.sum() * gain


def upfirdn2d(
    x: Float[Tensor, "n c h w"],
    kernel: Float[Tensor, "p p"],
    up: int = 1,
    down: int = 1,
    pad: tuple[int, int] = (0, 0),
) -> Float[Tensor, "n c h2 w2"]:
    """Insert zeros, pad, convolve with ``kernel``, keep every ``down``-th sample.

    Args:
        x: Images.
        kernel: 2-D filter, applied as a convolution (flipped), to every channel alike.
        up: Samples per input sample; the inserted ones are zero.
        down: Input samples per output sample.
        pad: Zeros (before, after) on both axes, in up-sampled pixels; may be negative.

    Returns:
        Images of side ``(h * up + sum(pad) - p) // down + 1``.
    """
    n, c, h, w = x.shape
    if up > 1:
        x = F.pad(x.reshape(n, c, h, 1, w, 1), (0, up - 1, 0, 0, 0, up - 1))
        x = x.reshape(n, c, h * up, w * up)
    x = F.pad(x, (pad[0], pad[1], pad[0], pad[1]))
    weight = kernel.flip(0, 1).to(x.dtype)[None, None].expand(c, 1, -1, -1)
    return F.conv2d(x, weight, stride=down, groups=c)
