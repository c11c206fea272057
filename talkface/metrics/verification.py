"""Do two pictures show the same person?"""

import logging
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.functional.classification import binary_auroc
from torchmetrics.utilities import dim_zero_cat

log = logging.getLogger(__name__)

FOLDS = 10


class Verification(NamedTuple):
    """How well a threshold on the cosine tells the same person from different ones.

    NaN where there are too few pairs to say.

    Attributes:
        accuracy: Share of pairs judged rightly, in [0, 1]; chance is 0.5.
        threshold: The cosine from which on a pair counts as the same person, best on all pairs.
        auc: Area under the ROC curve, the share of (same, different) in the right order.
    """

    accuracy: Float[Tensor, ""]
    threshold: Float[Tensor, ""]
    auc: Float[Tensor, ""]


class FaceVerification(Metric):
    """Accuracy of face verification by the cosine of codes, after the protocol of LFW.

    Pairs fall into ten folds, half of each the same person. A threshold is chosen on nine folds and
    judged on the tenth, each in turn; the accuracy is the mean (Huang et al. 2007,
    https://vis-www.cs.umass.edu/lfw/). Unlike LFW's lists, a person may appear in several folds.

    All pairs of one person are taken, or ``pairs`` of them drawn at random if there are more, and
    as many of different people. The draw depends on the pictures and the seed only: not on the
    order in which they came, nor on the number of processes. (A picture that a distributed sampler
    repeats, so that all processes have as many, counts as often as it comes.)

    Args:
        pairs: Most pairs of the same person, and of different people; LFW has 3,000.
        seed: Start of the draw.
    """

    higher_is_better = True
    is_differentiable = False
    full_state_update = False
    codes: list[Tensor]
    person: list[Tensor]

    def __init__(self, pairs: int = 3000, seed: int = 0) -> None:
        super().__init__()
        self.pairs, self.seed = pairs, seed
        self.add_state("codes", [], dist_reduce_fx="cat")
        self.add_state("person", [], dist_reduce_fx="cat")

    def update(self, codes: Float[Tensor, "n d"], person: Int[Tensor, " n"]) -> None:
        """Add the codes of a batch of pictures, and whom they show."""
        self.codes.append(F.normalize(codes.detach().float(), dim=1))
        self.person.append(person)

    def compute(self) -> Verification:
        """Draw the pairs and judge them; NaN, with the reason in the log, if there are too few."""
        codes, person = self._pictures()
        same, different = drawn_pairs(person, self.pairs, self.seed)
        if len(same) < FOLDS:
            log.warning(
                "Verification needs %d pairs of one person and of different people, but %d pictures"
                " of %d people give %d: the result is NaN. Use more pictures.",
                *(FOLDS, len(person), len(person.unique()), len(same)),
            )
            return Verification(*torch.full((3,), torch.nan))
        pairs = torch.cat([same, different])
        cosine = (codes[pairs[:, 0]].double() * codes[pairs[:, 1]]).sum(1)
        truth = torch.arange(len(pairs)) < len(same)
        fold = torch.arange(len(same)).repeat(2) % FOLDS
        auc = binary_auroc((cosine + 1) / 2, truth.long())
        return Verification(
            folded_accuracy(cosine, truth, fold), best_threshold(cosine, truth), auc
        )

    def _pictures(self) -> tuple[Float[Tensor, "n d"], Int[Tensor, " n"]]:
        """All pictures, sorted by person and then by code: the order they came in is forgotten."""
        if len(self.codes) == 0:  # a tensor by now, where several processes have shared theirs
            return torch.zeros(0, 1), torch.zeros(0, dtype=torch.long)
        codes, person = dim_zero_cat(self.codes).cpu(), dim_zero_cat(self.person).cpu()
        order = torch.from_numpy(np.lexsort([*codes.T.flip(0).numpy(), person.numpy()]))
        return codes[order], person[order]


def drawn_pairs(
    person: Int[Tensor, " n"], most: int, seed: int
) -> tuple[Int[Tensor, "p 2"], Int[Tensor, "p 2"]]:
    """Pairs of pictures of one person and as many of different people; none comes twice.

    Args:
        person: Whom each picture shows, in ascending order.
        most: Most pairs of either kind.
        seed: Start of the draw.

    Returns:
        Indices into ``person``, in random order.
    """
    index = torch.arange(len(person))
    end = torch.searchsorted(person, person, right=True)  # where the next person begins
    last = torch.full_like(end, len(person))
    partners = ((index + 1, end), (end, last))
    count = min(most, *(int((stop - start).sum()) for start, stop in partners))
    rng = np.random.default_rng(seed)
    same, different = (_drawn(start, stop, count, rng) for start, stop in partners)
    return same, different


def folded_accuracy(
    cosine: Float[Tensor, " p"], same: Bool[Tensor, " p"], fold: Int[Tensor, " p"]
) -> Float[Tensor, ""]:
    """Mean over folds of the accuracy at the threshold that is best on all other folds."""
    shares = []
    for k in fold.unique():
        held = fold == k
        threshold = best_threshold(cosine[~held], same[~held])
        shares.append(((cosine[held] >= threshold) == same[held]).float().mean())
    return torch.stack(shares).mean()


def best_threshold(cosine: Float[Tensor, " p"], same: Bool[Tensor, " p"]) -> Float[Tensor, ""]:
    """The threshold that judges most pairs rightly: halfway between two neighbouring cosines."""
    value, order = cosine.sort(descending=True)
    gain = torch.where(same[order], 1, -1).cumsum(0)
    gain[:-1][value[1:] == value[:-1]] = -len(value)  # a threshold does not part equal cosines
    best = int(gain.argmax())
    if gain[best] <= 0:
        return value[0] + 1  # nothing counts as the same
    below = value[best + 1] if best + 1 < len(value) else value[best] - 1
    return (value[best] + below) / 2


def _drawn(
    start: Int[Tensor, " n"], stop: Int[Tensor, " n"], count: int, rng: np.random.Generator
) -> Int[Tensor, "p 2"]:
    """``count`` different pairs (i, j) with ``start[i] <= j < stop[i]``, each as likely."""
    total = (stop - start).cumsum(0)
    every = int(total[-1]) if len(total) else 0
    rank = torch.from_numpy(rng.choice(every, count, replace=False)) if count else total[:0]
    first = torch.searchsorted(total, rank, right=True)
    second = stop[first] - (total[first] - rank)
    return torch.stack([first, second], 1)
