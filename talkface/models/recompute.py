"""Gradient checkpointing: activations of blocks are computed again in the backward pass, not kept.

Chen et al. 2016, https://arxiv.org/abs/1604.06174.
"""

from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

_AGAIN: ContextVar[bool] = ContextVar("recomputing", default=False)


class Block(nn.Module):
    """A part of a network whose activations need not be kept.

    Computing it again draws the same random numbers, and leaves running statistics as they are.

    Attributes:
        recomputed: Whether they are computed again.
    """

    recomputed: bool = False

    def __call__(self, *args: Any) -> Any:
        """Compute as ever, keeping nothing but ``args`` if the block is recomputed."""
        if not (self.recomputed and torch.is_grad_enabled()):
            return super().__call__(*args)
        return checkpoint(super().__call__, *args, use_reentrant=False, context_fn=_contexts)


def recompute(network: nn.Module) -> None:
    """Have all blocks of a network compute their activations again."""
    for module in network.modules():
        if isinstance(module, Block):
            module.recomputed = True


def recomputing() -> bool:
    """Whether a block is being computed for the second time."""
    return _AGAIN.get()


def _contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    return nullcontext(), _Again()


class _Again(AbstractContextManager[None]):
    """Marks a second computation; entered once more in every backward pass that needs it."""

    def __enter__(self) -> None:
        self._token = _AGAIN.set(True)

    def __exit__(self, *_: object) -> None:
        _AGAIN.reset(self._token)
