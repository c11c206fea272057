"""The networks: encoder trio, generator, discriminators."""

from talkface.models.audio import AudioEncoder
from talkface.models.decoder import Decoder, IdentityPlan
from talkface.models.discriminators import (
    ModalityDiscriminator,
    SequenceDiscriminator,
    WordClassifier,
)
from talkface.models.fan import FAN
from talkface.models.generator import Generator, mix_styles
from talkface.models.identity import IdentityCodes, IdentityEncoder
from talkface.models.upsampler import UpsamplingDecoder
from talkface.models.video import VideoCodes, VideoEncoder

__all__ = [
    "FAN",
    "AudioEncoder",
    "Decoder",
    "Generator",
    "IdentityCodes",
    "IdentityEncoder",
    "IdentityPlan",
    "ModalityDiscriminator",
    "SequenceDiscriminator",
    "UpsamplingDecoder",
    "VideoCodes",
    "VideoEncoder",
    "WordClassifier",
    "mix_styles",
]
