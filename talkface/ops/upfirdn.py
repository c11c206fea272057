"""Up-sample, filter, down-sample: the anti-aliased re-sampling of StyleGAN2."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from talkface.ops import native
from talkface.ops.backend import is_native
from talkface.ops.errors import check


def fir_kernel(taps: Sequence[float] = (1, 3, 3, 1), gain: float = 1.0) -> Float[Tensor, "p p"]:
    """Separable 2-D low-pass kernel whose entries sum to ``gain``."""
    row = torch.tensor(taps, dtype=torch.float32)
    kernel = torch.outer(row, row)
    return kernel / kernel.sum() * gain


def upfirdn2d(
    x: Float[Tensor, "n c h w"],
    kernel: Float[Tensor, "p q"],
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

    Raises:
        OpsInputError: Numbers are not floating, or devices differ.
        ValueError: The kernel does not fit into the padded image.
    """
    if not isinstance(x, Tensor):  # a proxy of torch.fx
        return upfirdn2d_reference(x, kernel, up, down, pad)
    check("upfirdn2d", x, kernel, "kernel", alike=False)
    sides = [side * up + sum(pad) for side in x.shape[2:]]
    if any(side < taps for side, taps in zip(sides, kernel.shape, strict=True)):
        fit = f"a kernel of {tuple(kernel.shape)} does not fit into padded images of {sides}"
        raise ValueError(f"upfirdn2d: {fit}; pad more or use a shorter one")
    if not kernel.requires_grad and is_native(x):
        return native.upfirdn2d(x, kernel, up, down, pad)
    return upfirdn2d_reference(x, kernel, up, down, pad)


def upfirdn2d_reference(
    x: Float[Tensor, "n c h w"],
    kernel: Float[Tensor, "p q"],
    up: int = 1,
    down: int = 1,
    pad: tuple[int, int] = (0, 0),
) -> Float[Tensor, "n c h2 w2"]:
    """``upfirdn2d`` word for word, in pure PyTorch: what native kernels are held against."""
    n, c, h, w = x.shape
    if up > 1:
        x = F.pad(x.reshape(n, c, h, 1, w, 1), (0, up - 1, 0, 0, 0, up - 1))
        x = x.reshape(n, c, h * up, w * up)
    x = F.pad(x, (pad[0], pad[1], pad[0], pad[1]))
    weight = kernel.flip(0, 1).to(x.dtype)[None, None].expand(c, 1, -1, -1)
    return F.conv2d(x, weight, stride=down, groups=c)
