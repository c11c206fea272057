"""The weighted sum of loss terms."""

from dataclasses import dataclass, fields

import torch
from jaxtyping import Float
from torch import Tensor, nn

from talkface.losses.adversarial import Adversarial
from talkface.losses.landmarks import LandmarkError
from talkface.losses.perceptual import Perceptual, Pixel
from talkface.losses.sync import Contrastive, InfoNCE, ModalityAdversary
from talkface.losses.term import Term
from talkface.losses.words import WordConfusion
from talkface.types import Rendering, Window


@dataclass
class Terms:
    """One slot per term, so that a config can replace or drop (``null``) exactly one.

    Attributes:
        vgg: Perceptual reconstruction.
        pixel: Reconstruction of pixels.
        gan: Generator's side of D_seq.
        contrastive: Sound against lips, codes of unit length.
        contrastive_raw: The same without normalisation.
        info_nce: The same as a softmax.
        sync_gan: Video encoder's side of D_sync.
        words: Identity encoder's side of the word adversary.
        landmarks: Heat-maps of the video encoder against known points.
    """

    vgg: Perceptual | None = None
    pixel: Pixel | None = None
    gan: Adversarial | None = None
    contrastive: Contrastive | None = None
    contrastive_raw: Contrastive | None = None
    info_nce: InfoNCE | None = None
    sync_gan: ModalityAdversary | None = None
    words: WordConfusion | None = None
    landmarks: LandmarkError | None = None


class Objective(nn.Module):
    """Terms of one training, called in turn.

    Raises:
        ValueError: Every slot is empty.
    """

    def __init__(self, terms: Terms) -> None:
        super().__init__()
        slots = {f.name: getattr(terms, f.name) for f in fields(terms)}
        self.terms = nn.ModuleDict({k: v for k, v in slots.items() if v is not None})
        if not self.terms:
            raise ValueError(f"every loss term is null; set at least one of {', '.join(slots)}")

    def forward(
        self, rendering: Rendering, window: Window, skip: frozenset[str] = frozenset()
    ) -> tuple[Float[Tensor, ""], dict[str, Float[Tensor, ""]]]:
        """Weighted sum, and the value of every term that applies and is not in ``skip``."""
        values: dict[str, Tensor] = {}
        total = rendering.lips.new_zeros((), dtype=torch.float32)
        for name, term in self.terms.items():
            if not isinstance(term, Term) or name in skip:
                continue
            if term.needs_frames and rendering.frames is None:
                continue
            with torch.set_grad_enabled(term.weight > 0 and torch.is_grad_enabled()):
                values[name] = term(rendering, window)
            if term.weight > 0:  # what is only measured may be infinite or NaN
                total = total + term.weight * values[name]
        return total, values
