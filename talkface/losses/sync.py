"""One space for sound and lips."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from talkface import ranks
from talkface.losses.term import Term
from talkface.types import Rendering, Window

LEAST = 0.01
"""Length of a standardised code below which it has no direction; usual is the root of its width."""


def standardize(codes: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Zero mean and unit variance per dimension over the batch, with gradient through both.

    Without it the codes share one large direction, every distance is the same and the sync terms
    stay at chance for thousands of steps.
    """
    centred = codes.float() - codes.float().mean(0)
    return centred * torch.rsqrt(centred.square().mean(0) + 1e-5)


def everyones(rendering: Rendering) -> tuple[Float[Tensor, "g t d"], Float[Tensor, "g t d"]]:
    """Codes of sound and lips of the global batch: every other window of it is a negative."""
    return ranks.gather(rendering.audio), ranks.gather(rendering.lips)


def unit(codes: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Codes of length 1, where they have a direction.

    Codes of a batch in which all frames are alike have none; turned into one, rounding errors
    would get gradients without bounds.
    """
    return F.normalize(codes, dim=1, eps=LEAST)


class Contrastive(Term):
    r"""Margin contrastive loss of matched and unmatched codes (Hadsell et al. 2006; DAVS).

    $$L = \frac{1}{2N} \Big( \sum_{i \ne j} \max(0, m - d_{ij})^2 + \sum_i d_{ii}^2 \Big)$$

    with $d_{ij}$ the distance between the sound of frame $i$ and the lips of frame $j$.

    Args:
        weight: Factor in the objective.
        margin: $m$.
        normalize: Scale codes to unit length first; without, distances are divided by the root
            of the width so that a margin means the same at every width.
    """

    needs_frames = False

    def __init__(self, weight: float = 1.0, margin: float = 1.0, *, normalize: bool = True) -> None:
        super().__init__(weight)
        self.margin = margin
        self.normalize = normalize

    def forward(self, rendering: Rendering, window: Window) -> Float[Tensor, ""]:
        """Pull matched codes together, push the others ``margin`` apart."""
        audio, lips = (standardize(x.flatten(0, 1)) for x in everyones(rendering))
        if self.normalize:
            audio, lips = unit(audio), unit(lips)
        else:
            audio, lips = (x / x.shape[1] ** 0.5 for x in (audio, lips))
        return contrast(audio, lips, self.margin)


def contrast(
    audio: Float[Tensor, "n d"], lips: Float[Tensor, "n d"], margin: float
) -> Float[Tensor, ""]:
    """The formula of ``Contrastive`` on codes as they are."""
    # Close pairs cancel in 8 bits of mantissa, and would get no gradient.
    with torch.autocast(audio.device.type, enabled=False):
        products = audio.float() @ lips.float().T
    norms = audio.square().sum(1)[:, None] + lips.square().sum(1)[None]
    square = (norms - 2 * products).clamp(min=0)
    matched = torch.eye(len(audio), dtype=torch.bool, device=audio.device)
    push = F.relu(margin - (square + 1e-12).sqrt()).square().masked_fill(matched, 0.0)
    return (push.sum() + square[matched].sum()) / (2 * len(audio))


class InfoNCE(Term):
    r"""Softmax contrastive loss, both ways (van den Oord et al. 2018; ours in this place).

    $$L = -\tfrac{1}{2N} \sum_i \Big( \log \frac{e^{s_{ii} / \tau}}{\sum_j e^{s_{ij} / \tau}}
    + \log \frac{e^{s_{ii} / \tau}}{\sum_j e^{s_{ji} / \tau}} \Big)$$

    with $s$ the cosine of standardised codes. Frames of one window next to the matched one look
    alike and are left out of the sums.

    Args:
        weight: Factor in the objective.
        temperature: $\tau$.
        neighbours: Frames to either side that are no negatives.
    """

    needs_frames = False

    def __init__(self, weight: float = 1.0, temperature: float = 0.1, neighbours: int = 1) -> None:
        super().__init__(weight)
        self.temperature = temperature
        self.neighbours = neighbours

    def forward(self, rendering: Rendering, window: Window) -> Float[Tensor, ""]:
        """Cross-entropy of naming the matched frame."""
        codes = everyones(rendering)
        b, t = codes[0].shape[:2]
        audio, lips = (unit(standardize(x.flatten(0, 1))) for x in codes)
        with torch.autocast(audio.device.type, enabled=False):  # as for ``contrast``
            scores = audio @ lips.T / self.temperature
        index = torch.arange(b * t, device=scores.device)
        apart = (index[:, None] - index[None]).abs()
        same = index[:, None] // t == index[None] // t
        scores = scores.masked_fill(same & (apart > 0) & (apart <= self.neighbours), -torch.inf)
        return (F.cross_entropy(scores, index) + F.cross_entropy(scores.T, index)) / 2


class ModalityAdversary(Term):
    r"""$\min_{E_v} \max_{D} E[\log D(F_a)] + E[\log(1 - D(F_v))]$, the side of E_v.

    Non-saturating: $E[\operatorname{softplus}(-D(F_v))]$.
    """

    needs_frames = False

    def forward(self, rendering: Rendering, window: Window) -> Float[Tensor, ""]:
        """Reward lip codes that D_sync takes for sound."""
        if rendering.modality is None:
            raise ValueError("the sync_gan term needs the logits of D_sync")
        return F.softplus(-rendering.modality.float()).mean()
