"""The networks: encoder trio, generator, discriminators."""

from talkface.models.audio import AudioEncoder
from talkface.models.discriminators import (
    ModalityDiscriminator,
    SequenceDiscriminator,
    WordClassifier,
)
from talkface.models.fan import FAN
from talkface.models.generator import Generator, IdentityPlan
from talkface.models.identity import IdentityCodes, IdentityEncoder
from talkface.models.video import VideoCodes, VideoEncoder

__all__ = [
    "FAN",
    "AudioEncoder",
    "Generator",
    "IdentityCodes",
    "IdentityEncoder",
    "IdentityPlan",
    "ModalityDiscriminator",
    "SequenceDiscriminator",
    "VideoCodes",
    "VideoEncoder",
    "WordClassifier",
]
