"""Lazy regularizers of the discriminator."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class R1(nn.Module):
    r"""$\tfrac{\gamma}{2} E \lVert \nabla D(I) \rVert^2$ at real images (Mescheder et al. 2018).

    Args:
        gamma: $\gamma$.
        every: Steps from one use to the next; the penalty is multiplied by it (Karras et al. 2020).
    """

    def __init__(self, gamma: float = 1.0, every: int = 16) -> None:
        super().__init__()
        self.gamma = gamma
        self.every = every

    def forward(
        self,
        images: Float[Tensor, "n r 3 h w"] | Float[Tensor, "n 3 h w"],
        logits: list[Float[Tensor, "n 1 _ _"]],
    ) -> Float[Tensor, ""]:
        """Penalty for ``logits`` computed from ``images``, which require gradients."""
        total = torch.stack([x.float().mean((1, 2, 3)).sum() for x in logits]).sum()
        (grad,) = torch.autograd.grad(total, images, create_graph=True)
        return self.every * self.gamma / 2 * grad.square().flatten(1).sum(1).mean()
