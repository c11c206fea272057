"""Names, shapes and gradients of the native operations; the kernels are in ``csrc``.

Gradients are made of the same operations, so that they can be differentiated again: R1 and path
length need that.
"""

from typing import Any

import torch
from torch import Tensor
from torch._prims_common import suggest_memory_format

IMAGES = 4
"""Axes of a batch of images, the only tensors that can be channels-last here."""

_OPS = torch.ops.talkface

torch.library.define(
    "talkface::upfirdn2d",
    "(Tensor x, Tensor kernel, int up, int down, "
    "SymInt left, SymInt right, SymInt top, SymInt bottom) -> Tensor",
)
torch.library.define("talkface::bias_act", "(Tensor x, Tensor bias, float slope) -> Tensor")
torch.library.define(
    "talkface::bias_act_backward", "(Tensor grad, Tensor y, float slope) -> (Tensor, Tensor)"
)
torch.library.define("talkface::conv3x3", "(Tensor x, Tensor weight) -> Tensor")
torch.library.define("talkface::conv3x3_weight", "(Tensor x, Tensor grad) -> Tensor")


def upfirdn2d(x: Tensor, kernel: Tensor, up: int, down: int, pad: tuple[int, int]) -> Tensor:
    """``talkface.ops.upfirdn2d``, natively; without gradient of the kernel."""
    out: Tensor = _OPS.upfirdn2d(x, kernel, up, down, *pad, *pad)
    return out


def bias_act(x: Tensor, bias: Tensor, slope: float) -> Tensor:
    """``talkface.ops.bias_act``, natively; the slope is not negative."""
    out: Tensor = _OPS.bias_act(x, bias, slope)
    return out


def conv3x3(x: Tensor, weight: Tensor) -> Tensor:
    """``talkface.ops.conv3x3``, natively; channels-last comes out whatever goes in."""
    out: Tensor = _OPS.conv3x3(x, weight)
    return out


@torch.library.register_fake("talkface::upfirdn2d")  # type: ignore[untyped-decorator]
def _upfirdn2d_shape(
    x: Tensor,
    kernel: Tensor,
    up: int,
    down: int,
    *pads: int | torch.SymInt,
) -> Tensor:
    left, right, top, bottom = pads
    high = (x.shape[2] * up + top + bottom - kernel.shape[0]) // down + 1
    wide = (x.shape[3] * up + left + right - kernel.shape[1]) // down + 1
    out = x.new_empty(x.shape[0], x.shape[1], high, wide)
    return out.to(memory_format=_layout(x))


@torch.library.register_fake("talkface::bias_act")  # type: ignore[untyped-decorator]
def _bias_act_shape(x: Tensor, bias: Tensor, slope: float) -> Tensor:
    return torch.empty_like(x, memory_format=_layout(x))


@torch.library.register_fake("talkface::bias_act_backward")  # type: ignore[untyped-decorator]
def _bias_act_backward_shape(
    grad: Tensor,
    y: Tensor,
    slope: float,
) -> tuple[Tensor, Tensor]:
    return torch.empty_like(y, memory_format=_layout(y)), y.new_empty(y.shape[1])


@torch.library.register_fake("talkface::conv3x3")  # type: ignore[untyped-decorator]
def _conv3x3_shape(x: Tensor, weight: Tensor) -> Tensor:
    out = x.new_empty(x.shape[0], weight.shape[0], *x.shape[2:])
    return out.to(memory_format=torch.channels_last)


@torch.library.register_fake("talkface::conv3x3_weight")  # type: ignore[untyped-decorator]
def _conv3x3_weight_shape(x: Tensor, grad: Tensor) -> Tensor:
    return x.new_empty(grad.shape[1], x.shape[1], 3, 3)


def is_channels_last(*tensors: Tensor) -> bool:
    """Whether torch's own convolution of these would come out channels-last."""
    return any(_layout(x) == torch.channels_last for x in tensors)


def _layout(x: Tensor) -> torch.memory_format:
    """Channels-last stays so, also where it is cropped; anything else becomes contiguous."""
    if x.ndim != IMAGES:
        return torch.contiguous_format
    layout: torch.memory_format = suggest_memory_format(x)
    return layout


def _keep_filter(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, kernel, ctx.up, ctx.down, ctx.left, _, ctx.top, _ = inputs
    ctx.size = x.shape[2:], output.shape[2:]
    ctx.save_for_backward(kernel)


def _upfirdn2d_gradient(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    """Up and down change places, and the filter is turned round."""
    (kernel,) = ctx.saved_tensors
    (h, w), (high, wide) = ctx.size
    left, top = kernel.shape[1] - 1 - ctx.left, kernel.shape[0] - 1 - ctx.top
    right = w * ctx.up - wide * ctx.down + ctx.left - ctx.up + 1
    bottom = h * ctx.up - high * ctx.down + ctx.top - ctx.up + 1
    turned = kernel.flip(0, 1)
    dx = _OPS.upfirdn2d(grad, turned, ctx.down, ctx.up, left, right, top, bottom)
    return dx, *[None] * 7


def _keep_output(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.slope = inputs[2]
    ctx.save_for_backward(output)


def _bias_act_gradient(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    (y,) = ctx.saved_tensors
    dx, db = _OPS.bias_act_backward(grad, y, ctx.slope)
    return dx, db, None


def _keep_sign(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    _, y, ctx.slope = inputs
    ctx.save_for_backward(y)


def _bias_act_curvature(ctx: Any, ddx: Tensor, ddb: Tensor) -> tuple[Tensor | None, ...]:
    """Linear in the gradient; piecewise constant in the output."""
    (y,) = ctx.saved_tensors
    both = ddx + ddb.view(1, -1, *([1] * (y.ndim - 2)))
    return _OPS.bias_act_backward(both, y, ctx.slope)[0], None, None


def _keep_inputs(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _turned(weight: Tensor) -> Tensor:
    """The weight whose convolution is the transpose of that of ``weight``."""
    return weight.flip(2, 3).transpose(0, 1)


def _conv3x3_gradient(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    x, weight = ctx.saved_tensors
    for_x, for_weight = ctx.needs_input_grad
    dx = _OPS.conv3x3(grad, _turned(weight)) if for_x else None
    dw = _OPS.conv3x3_weight(x, grad) if for_weight else None
    return dx, dw


def _conv3x3_curvature(ctx: Any, ddw: Tensor) -> tuple[Tensor | None, ...]:
    """Linear in the input and in the gradient."""
    x, grad = ctx.saved_tensors
    for_x, for_grad = ctx.needs_input_grad
    dx = _OPS.conv3x3(grad, _turned(ddw)) if for_x else None
    dgrad = _OPS.conv3x3(x, ddw) if for_grad else None
    return dx, dgrad


torch.library.register_autograd("talkface::conv3x3", _conv3x3_gradient, setup_context=_keep_inputs)
torch.library.register_autograd(
    "talkface::conv3x3_weight", _conv3x3_curvature, setup_context=_keep_inputs
)
torch.library.register_autograd(
    "talkface::upfirdn2d", _upfirdn2d_gradient, setup_context=_keep_filter
)
torch.library.register_autograd(
    "talkface::bias_act", _bias_act_gradient, setup_context=_keep_output
)
torch.library.register_autograd(
    "talkface::bias_act_backward", _bias_act_curvature, setup_context=_keep_sign
)
