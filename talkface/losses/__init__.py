"""Loss terms in named slots; a slot's name is its key on the dashboard."""

from talkface.losses.adversarial import Adversarial, discriminator_loss
from talkface.losses.angular import AngularMargin
from talkface.losses.landmarks import LandmarkError
from talkface.losses.objective import Objective, Terms
from talkface.losses.perceptual import Perceptual, Pixel
from talkface.losses.regularizers import R1, PathLength
from talkface.losses.sync import Contrastive, InfoNCE, ModalityAdversary
from talkface.losses.term import Term
from talkface.losses.words import WordConfusion

__all__ = [
    "R1",
    "Adversarial",
    "AngularMargin",
    "Contrastive",
    "InfoNCE",
    "LandmarkError",
    "ModalityAdversary",
    "Objective",
    "PathLength",
    "Perceptual",
    "Pixel",
    "Term",
    "Terms",
    "WordConfusion",
    "discriminator_loss",
]
