"""Lazy regularizers: of the discriminator at true frames, of the generator along its styles."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from talkface import ranks


class R1(nn.Module):
    r"""$\tfrac{\gamma}{2} E \lVert \nabla D(I) \rVert^2$ at real images (Mescheder et al. 2018).

    $D$ is what the game is played with: the mean over patches and scales.

    Args:
        gamma: $\gamma$.
        every: Steps from one use to the next; the penalty is multiplied by it (Karras et al. 2020).
    """

    def __init__(self, gamma: float = 1.0, every: int = 16) -> None:
        super().__init__()
        _check_every("r1", every)
        self.gamma = gamma
        self.every = every

    def forward(
        self,
        images: Float[Tensor, "n r 3 h w"] | Float[Tensor, "n 3 h w"],
        logits: list[Float[Tensor, "n 1 _ _"]],
    ) -> Float[Tensor, ""]:
        """Penalty for ``logits`` computed from ``images``, which require gradients."""
        total = torch.stack([x.float().mean((1, 2, 3)) for x in logits]).mean(0).sum()
        (grad,) = torch.autograd.grad(total, images, create_graph=True)
        return self.every * self.gamma / 2 * grad.square().flatten(1).sum(1).mean()


class PathLength(nn.Module):
    r"""Keep a step of fixed size in style space a step of fixed size in what is painted.

    $$E \big( \lVert J_w^\top y \rVert_2 - a \big)^2, \quad y \sim N(0, 1 / hw)$$

    with $J_w$ the Jacobian of the picture at the styles, the norm over the channels of a level and
    quadratic over the levels, and $a$ the running mean of it (Karras et al. 2020, sec. 3.2 and
    app. B, https://arxiv.org/abs/1912.04958). The picture is what the generator paints, before it
    moves the portrait: re-sampling has no second derivative in torch.

    Args:
        weight: Factor.
        every: Steps from one use to the next; the penalty is multiplied by it.
        decay: How far the running mean moves to each new one.
    """

    mean: Tensor

    def __init__(self, weight: float = 2.0, every: int = 4, decay: float = 0.01) -> None:
        super().__init__()
        _check_every("path_length", every)
        self.weight = weight
        self.every = every
        self.decay = decay
        self.register_buffer("mean", torch.zeros(()))

    def forward(
        self, painted: Float[Tensor, "n p h w"], styles: Float[Tensor, "n l c"]
    ) -> Float[Tensor, ""]:
        """Penalty for what was ``painted`` from ``styles``, which require gradients."""
        noise = ranks.noise_like(painted) / math.sqrt(painted.shape[2] * painted.shape[3])
        (grad,) = torch.autograd.grad((painted * noise).sum(), styles, create_graph=True)
        # A generator that still paints nothing has length 0, where the root has no slope.
        lengths = (grad.square().sum(2).mean(1) + 1e-12).sqrt()
        self.mean.lerp_(ranks.mean(lengths.mean()), self.decay)
        return self.every * self.weight * (lengths - self.mean).square().mean()


def _check_every(name: str, every: int) -> None:
    if every < 1:
        raise ValueError(f"model.{name}.every must be at least 1, got {every}")
