"""Procedural puppets, talking or still: the corpora that come with the project."""

from data_prep.puppets.corpus import PuppetSettings, write_corpus
from data_prep.puppets.espeak import SpeechEngineError
from data_prep.puppets.gallery import FaceSettings, write_gallery
from data_prep.puppets.sheet import contact_sheet

__all__ = [
    "FaceSettings",
    "PuppetSettings",
    "SpeechEngineError",
    "contact_sheet",
    "write_corpus",
    "write_gallery",
]
