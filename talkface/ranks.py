"""What processes of one training share, so that their batches count as one.

Every process has ``1 / count()`` of the global batch, and all have the same random numbers: that of
the first process comes first in the global batch (``data.loading.EpochSampler``). Gradients are
averaged over processes, so a loss has to be one whose average is that of the global batch.
Without processes, all of this does nothing.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, distributed
from torch.autograd.function import FunctionCtx, once_differentiable


def count() -> int:
    """Number of processes that train together."""
    on = distributed.is_available() and distributed.is_initialized()
    return distributed.get_world_size() if on else 1


def rank() -> int:
    """Place of this process among them."""
    return distributed.get_rank() if count() > 1 else 0


def rows(draw: Callable[[int], Tensor], own: int) -> Tensor:
    """Draw for the samples of all processes, and take those of this one.

    Args:
        draw: Draws something for so many samples, along the first axis.
        own: Samples of this process, as many as each of the others has.
    """
    first = rank() * own
    return draw(count() * own)[first : first + own]


def noise_like(x: Float[Tensor, "n ..."]) -> Float[Tensor, "n ..."]:
    """N(0, 1) of the shape of ``x``, whose first axis counts samples."""
    return rows(
        lambda n: torch.randn(n, *x.shape[1:], device=x.device, dtype=x.dtype),
        len(x),
    )


def gather(x: Float[Tensor, "n ..."]) -> Float[Tensor, "m ..."]:
    """The global batch out of the part of each process, which are of one size.

    A loss of all of it, computed in every process, has the gradient of one process.
    """
    gathered: Tensor = _Gather.apply(x) if count() > 1 else x
    return gathered


def mean(x: Tensor) -> Tensor:
    """Mean over processes, without gradient."""
    if count() == 1:
        return x.detach()
    total = x.detach().clone()
    distributed.all_reduce(total)
    return total / count()


def share(part: Tensor) -> Tensor:
    """A divisor for a sum over a part of the global batch, whose mean over processes is the whole.

    Args:
        part: How many of the samples of this process count.
    """
    total = part.detach().float()
    return (mean(total) * count()).clamp(min=1) / count()


class _Gather(torch.autograd.Function):
    """Concatenate over processes; the gradient is the sum of what all of them ask for."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor) -> Tensor:
        x = x.contiguous()
        parts = [torch.empty_like(x) for _ in range(count())]
        distributed.all_gather(parts, x)
        return torch.cat(parts)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        distributed.all_reduce(total)
        return total.chunk(count())[rank()]
