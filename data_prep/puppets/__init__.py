"""Procedural talking puppets with synthesised speech: the corpus that comes with the project."""

from data_prep.puppets.corpus import PuppetSettings, write_corpus
from data_prep.puppets.espeak import SpeechEngineError
from data_prep.puppets.sheet import contact_sheet

__all__ = ["PuppetSettings", "SpeechEngineError", "contact_sheet", "write_corpus"]
