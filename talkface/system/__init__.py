"""The talking-face system: encoder trio, decoder and their adversaries, trained as a GAN."""

from talkface.system.talkface import TalkFace

__all__ = ["TalkFace"]
