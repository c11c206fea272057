"""A mean that is the same on any number of processes."""

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torchmetrics import Metric


class Mean(Metric):
    """Mean of values, of which some may be left out, and counted.

    Its states are sums, so that a short last batch, or a process without data, weighs as little as
    it should. A metric inherits from it and calls `add` in its ``update``. The mean of nothing is
    NaN.
    """

    full_state_update = False

    total: Tensor
    count: Tensor
    left_out: Tensor

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("left_out", torch.tensor(0), dist_reduce_fx="sum")

    def add(self, values: Float[Tensor, "*n"], used: Bool[Tensor, "*n"] | None = None) -> None:
        """Add values of any shape; those that are not ``used`` are left out."""
        used = torch.ones_like(values, dtype=torch.bool) if used is None else used
        self.total += values.where(used, 0).sum(dtype=torch.float64)
        self.count += used.sum()
        self.left_out += (~used).sum()

    def compute(self) -> Float[Tensor, ""]:
        """The mean of what was not left out."""
        return (self.total / self.count).float()
