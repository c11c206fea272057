"""Readers of raw corpora: which clips there are, who speaks, what is said, which split."""

from data_prep.corpora.grid import GridCorpus
from data_prep.corpora.lrw import LrwCorpus
from data_prep.corpora.raw import Annotation, ClipError, CorpusError, RawClip, RawCorpus

__all__ = [
    "Annotation",
    "ClipError",
    "CorpusError",
    "GridCorpus",
    "LrwCorpus",
    "RawClip",
    "RawCorpus",
]
