"""Optimizer settings as data, so that configs can merge them and checkpoints can copy them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch.nn import Parameter
from torch.optim.lr_scheduler import LambdaLR

FUSED = ("cpu", "cuda")
"""Devices on which one kernel takes the step of all weights: hundreds of small ones add up."""


@dataclass(frozen=True)
class LazyAdam:
    r"""Adam, corrected for a regularizer that takes one extra step in every $k$.

    Settings become $lr \cdot c$ and $\beta^c$ with $c = k / (k + 1)$ (Karras et al. 2020, app. B).

    Attributes:
        lr: Learning rate.
        beta1: Decay of the first moment.
        beta2: Decay of the second moment.
    """

    lr: float = 1e-4
    beta1: float = 0.5
    beta2: float = 0.99

    def build(self, parameters: Iterable[Parameter], every: int | None = None) -> torch.optim.Adam:
        """Adam for ``parameters`` whose regularizer runs ``every`` so many steps, or never."""
        c = every / (every + 1) if every else 1.0
        betas = self.beta1**c, self.beta2**c
        parameters = list(parameters)
        fused = all(p.device.type in FUSED for p in parameters)
        return torch.optim.Adam(parameters, self.lr * c, betas=betas, eps=1e-8, fused=fused)


def anneal(optimizer: torch.optim.Optimizer, steps: int | None, floor: float = 0.02) -> LambdaLR:
    """Learning rate by half a cosine to ``floor`` of itself over ``steps``; constant for None."""

    def factor(step: int) -> float:
        if steps is None:
            return 1.0
        progress = min(1.0, step / steps)
        return floor + (1 - floor) * (1 + math.cos(math.pi * progress)) / 2

    return LambdaLR(optimizer, factor)
