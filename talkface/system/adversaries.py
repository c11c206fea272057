"""The networks that play against encoders and decoder, and how they learn."""

from typing import cast

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from talkface.losses import Terms, discriminator_loss
from talkface.losses.words import word_loss
from talkface.models import WordClassifier
from talkface.types import Rendering, Window


class Adversaries(nn.ModuleDict):
    """Networks that a loss term plays against, by its slot; without the term, none.

    Args:
        terms: The terms.
        networks: D_seq as ``gan``, D_sync as ``sync_gan``, the word adversary as ``words``.

    Raises:
        ValueError: A term has nobody to play against.
    """

    def __init__(self, terms: Terms, **networks: nn.Module | None) -> None:
        players = {}
        for slot, network in networks.items():
            if getattr(terms, slot) is None:
                continue
            if network is None:
                raise ValueError(f"terms.{slot} is set, but the network it plays against is null")
            players[slot] = network
        super().__init__(players)
        self.terms = terms

    @property
    def word_classifier(self) -> WordClassifier | None:
        """The word adversary, if it plays."""
        return cast("WordClassifier", self["words"]) if "words" in self else None

    def losses(
        self, rendering: Rendering, features: Float[Tensor, "b t e"] | None, window: Window
    ) -> dict[str, Float[Tensor, ""]]:
        """Loss of everyone who plays in this step, on detached renderings and features.

        True frames are real to D_seq, rendered ones fake; sound is real to D_sync, lips fake.
        """
        losses: dict[str, Tensor] = {}
        if self.terms.gan and rendering.frames is not None and rendering.target is not None:
            real = self["gan"](rendering.target[: len(window.frames)])
            fake = self["gan"](rendering.frames.detach())
            losses["gan"] = discriminator_loss(real, fake, self.terms.gan.game)
        if "sync_gan" in self:
            sound = self["sync_gan"](rendering.audio.detach()).float()
            lips = self["sync_gan"](rendering.lips.detach()).float()
            losses["sync_gan"] = F.softplus(-sound).mean() + F.softplus(lips).mean()
        if features is not None:
            losses["words"] = word_loss(self["words"](features.detach()), window.label)
        return losses

    def answer(
        self, rendering: Rendering, features: Float[Tensor, "b t e"] | None, *, gan: bool
    ) -> Rendering:
        """The rendering with what the adversaries say of it, for the terms that try to win.

        Args:
            rendering: Rendered frames and codes, with gradients.
            features: Identity features of runs of frames, in steps that have them.
            gan: Whether D_seq is asked.
        """
        if gan:
            rendering = rendering._replace(realness=self["gan"](rendering.frames))
        if "sync_gan" in self:
            rendering = rendering._replace(modality=self["sync_gan"](rendering.lips))
        if features is not None:
            rendering = rendering._replace(words=self["words"](features))
        return rendering
