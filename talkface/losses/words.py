"""No speech in the identity features."""

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from talkface import ranks
from talkface.losses.term import Term
from talkface.types import Rendering, Window


class WordConfusion(Term):
    r"""Encoder's side of the word adversary: $KL(u \,\|\, p)$ with $u$ uniform.

    Zero when the classifier cannot prefer any word; independent of the number of words up to the
    classifier's confidence.

    Args:
        weight: Factor in the objective.
        every: Steps from one use to the next; encoding a run of frames as portraits is dear.
    """

    needs_frames = False

    def __init__(self, weight: float = 1.0, every: int = 1) -> None:
        super().__init__(weight)
        if every < 1:
            raise ValueError(f"terms.words.every must be at least 1, got {every}")
        self.every = every

    def forward(self, rendering: Rendering, window: Window) -> Float[Tensor, ""]:
        """Divergence of the named words from chance, mean over windows that have a word."""
        if rendering.words is None:
            raise ValueError("the words term needs the logits of the word classifier")
        known = window.label >= 0
        log_p = rendering.words.float().log_softmax(1)
        uniform = log_p.new_full(log_p.shape, 1 / log_p.shape[1])
        divergence = F.kl_div(log_p, uniform, reduction="none").sum(1)
        return (divergence * known).sum() / ranks.share(known.sum())


def word_loss(logits: Float[Tensor, "n c"], label: Int[Tensor, " n"]) -> Float[Tensor, ""]:
    """The classifier's side: cross-entropy over the windows that have a word."""
    known = label >= 0
    losses = F.cross_entropy(logits.float(), label.clamp(min=0), reduction="none")
    return (losses * known).sum() / ranks.share(known.sum())
