"""Readers of raw corpora: which clips or pictures there are, of whom, what is said, which split."""

from data_prep.corpora.cremad import CremadCorpus
from data_prep.corpora.grid import GridCorpus
from data_prep.corpora.insightface import RecordPortraits
from data_prep.corpora.lrw import LrwCorpus
from data_prep.corpora.portraits import FolderPortraits, RawPerson, RawPicture, RawPortraits
from data_prep.corpora.raw import Annotation, ClipError, CorpusError, RawClip, RawCorpus

__all__ = [
    "Annotation",
    "ClipError",
    "CorpusError",
    "CremadCorpus",
    "FolderPortraits",
    "GridCorpus",
    "LrwCorpus",
    "RawClip",
    "RawCorpus",
    "RawPerson",
    "RawPicture",
    "RawPortraits",
    "RecordPortraits",
]
