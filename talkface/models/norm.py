"""Batch normalisation over the global batch, on every device.

``torch.nn.SyncBatchNorm`` does the same, on accelerators only.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from talkface import ranks
from talkface.models.recompute import recomputing


class _Shared(_BatchNorm):
    """Statistics of the samples of all processes."""

    def forward(self, x: Float[Tensor, "n c ..."]) -> Float[Tensor, "n c ..."]:
        """Normalise; in training, by the statistics of the global batch."""
        if self.training and ranks.count() > 1:
            return self._normalised(x)
        if self.training and recomputing():
            return self._again(x)
        return super().forward(x)

    def _normalised(self, x: Float[Tensor, "n c ..."]) -> Float[Tensor, "n c ..."]:
        axes = [0, *range(2, x.ndim)]
        var, mean = torch.var_mean(x.float(), axes, correction=0)
        means, variances = ranks.gather(torch.stack([mean, var])[None]).unbind(1)
        mean = means.mean(0)
        var = variances.mean(0) + (means - mean).square().mean(0)
        self._remember(mean.detach(), var.detach(), ranks.count() * x.numel() // x.shape[1])
        scale = torch.rsqrt(var + self.eps)
        shape = (1, -1, *(1 for _ in x.shape[2:]))
        if self.affine:
            scale = scale * self.weight
        shift = (self.bias if self.affine else 0) - mean * scale
        return (x * scale.view(shape) + shift.view(shape)).to(x.dtype)

    def _again(self, x: Float[Tensor, "n c ..."]) -> Float[Tensor, "n c ..."]:
        """The same without taking the batch into the running statistics, which have it."""
        mean, var = (
            None if s is None else s.clone() for s in (self.running_mean, self.running_var)
        )
        momentum = 0.0 if self.momentum is None else self.momentum
        return F.batch_norm(x, mean, var, self.weight, self.bias, True, momentum, self.eps)

    @torch.no_grad()
    def _remember(self, mean: Tensor, var: Tensor, values: int) -> None:
        if recomputing() or self.running_mean is None or self.running_var is None:
            return
        if self.num_batches_tracked is not None:
            self.num_batches_tracked += 1
        momentum = 0.1 if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(var * (values / max(1, values - 1)), momentum)


class BatchNorm1d(_Shared, nn.BatchNorm1d):
    """``nn.BatchNorm1d`` over the global batch."""


class BatchNorm2d(_Shared, nn.BatchNorm2d):
    """``nn.BatchNorm2d`` over the global batch."""
