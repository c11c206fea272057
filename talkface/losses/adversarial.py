"""The GAN game of D_seq."""

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from talkface.losses.term import Term
from talkface.types import Rendering, Window

Game = Literal["non_saturating", "hinge"]
Real = Sequence[Float[Tensor, "m 1 _ _"]]
Fake = Sequence[Float[Tensor, "n 1 _ _"]]


class Adversarial(Term):
    r"""Loss of the generator against D_seq, mean over patches and scales.

    Non-saturating: $E[\operatorname{softplus}(-D(\hat I))]$ (Goodfellow et al. 2014); hinge:
    $-E[D(\hat I)]$ (Lim & Ye 2017).

    Args:
        weight: Factor in the objective.
        game: The loss; that of the discriminator follows it.
        start: Training step from which it counts; the discriminator learns from the first.
    """

    def __init__(self, weight: float = 1.0, game: Game = "non_saturating", start: int = 0) -> None:
        super().__init__(weight)
        self.game = game
        self.start = start

    def forward(self, rendering: Rendering, window: Window) -> Float[Tensor, ""]:
        """Reward frames that D_seq takes for real."""
        if rendering.realness is None:
            raise ValueError("the gan term needs the logits of D_seq")
        logits = [x.float() for x in rendering.realness]  # means of many patches
        values = [
            F.softplus(-x).mean() if self.game == "non_saturating" else -x.mean() for x in logits
        ]
        return torch.stack(values).mean()


def discriminator_loss(real: Real, fake: Fake, game: Game) -> Float[Tensor, ""]:
    """Loss of D_seq: real frames up, rendered frames down; mean over patches and scales."""
    real, fake = [x.float() for x in real], [x.float() for x in fake]
    if game == "hinge":
        values = [
            (F.relu(1 - r).mean() + F.relu(1 + f).mean()) for r, f in zip(real, fake, strict=True)
        ]
    else:
        values = [
            F.softplus(-r).mean() + F.softplus(f).mean() for r, f in zip(real, fake, strict=True)
        ]
    return torch.stack(values).mean()
