"""Additive angular margin: faces of one person within a cone of their own."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

EPSILON = 1e-7
"""Least squared sine: its root has no slope at 0."""


@dataclass(frozen=True)
class AngularMargin:
    r"""Additive angular margin of ArcFace.

    $$L = -\frac1N \sum_i \log \frac{e^{s \cos(\theta_{y_i} + m)}}
    {e^{s \cos(\theta_{y_i} + m)} + \sum_{j \ne y_i} e^{s \cos\theta_j}}$$

    with $\theta_j$ the angle between a code and the weights of person $j$, and $y_i$ the person
    that picture $i$ shows (Deng et al. 2019, https://arxiv.org/abs/1801.07698, eq. 3). $m = 0$,
    $s = 1$ is the plain softmax of the cosines.

    Beyond $\theta = \pi - m$ the cosine of $\theta + m$ rises again and would push a code further
    away, so there it goes on as $\cos\theta + \cos m - 1$: equal at that angle, and falling up to
    $\theta = \pi$. (Ours. Common programs take $\cos\theta - m \sin m$, which jumps.)

    Attributes:
        scale: $s$, sharpness of the softmax; more people need more.
        margin: $m$ in radians, from 0 to below $\pi / 2$.

    Raises:
        ValueError: If a number is out of range.
    """

    scale: float = 64.0
    margin: float = 0.5

    def __post_init__(self) -> None:
        if self.scale <= 0:
            raise ValueError(f"`model.margin.scale` is {self.scale}; use more than 0.")
        if not 0 <= self.margin < math.pi / 2:
            raise ValueError(f"`model.margin.margin` is {self.margin}; use 0 to below pi / 2.")

    def logits(
        self, cosines: Float[Tensor, "n people"], person: Int[Tensor, " n"]
    ) -> Float[Tensor, "n people"]:
        r"""Logits whose cross-entropy is $L$.

        Args:
            cosines: $\cos\theta$ in [-1, 1] of every code to every person.
            person: The person that is shown.
        """
        cosines = cosines.float()
        target = cosines.gather(1, person[:, None])
        sine = (1 - target.square()).clamp(min=EPSILON).sqrt()
        widened = target * math.cos(self.margin) - sine * math.sin(self.margin)
        beyond = target + math.cos(self.margin) - 1
        moved = torch.where(target > -math.cos(self.margin), widened, beyond)
        return self.scale * cosines.scatter(1, person[:, None], moved)


def cosines(
    codes: Float[Tensor, "n d"], weights: Float[Tensor, "people d"]
) -> Float[Tensor, "n people"]:
    """Cosine of the angle between every code and every row of ``weights``, in full precision.

    With 8 bits of mantissa, angles below 5 degrees would all be one.
    """
    with torch.autocast(codes.device.type, enabled=False):
        return F.linear(F.normalize(codes.float(), dim=1), F.normalize(weights.float(), dim=1))
