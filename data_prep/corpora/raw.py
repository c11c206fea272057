"""What every raw corpus offers, whatever its folders look like."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from talkface.data.layout import Demographics, WordSpan

SIDECAR = ".landmarks.npy"
"""Suffix of the file beside a video that holds its landmarks, float32 of frames x 68 x 2."""


class CorpusError(ValueError):
    """A raw folder is not the corpus that it was taken for."""


class ClipError(ValueError):
    """One clip cannot be used; the others can."""


@dataclass(frozen=True)
class RawClip:
    """One clip of a raw corpus, not yet opened.

    Attributes:
        id: Name, unique in the corpus; slashes make folders.
        video: The video file.
        group: Whose clips are held out together: the speaker, where the folder tells.
        split: The official split, or None where the corpus has none.
        audio: The file with its sound, or None where the video file has it.
        words: What is said, where the name of the file tells; else only ``annotate`` does.
    """

    id: str
    video: Path
    group: str = ""
    split: str | None = None
    audio: Path | None = None
    words: tuple[str, ...] | None = None

    @property
    def sidecar(self) -> Path:
        """Where its landmarks are, if they were made together with the video."""
        return self.video.with_suffix(SIDECAR)


def check_span(path: Path, span: WordSpan) -> WordSpan:
    """The word that ``path`` tells of, if it begins before it ends.

    Raises:
        ClipError: It does not, or its times are not finite.
    """
    if not 0 <= span.start < span.end < math.inf:
        raise ClipError(
            f"{path} has {span.word!r} begin at {span.start:g} s and end at {span.end:g} s."
        )
    return span


@dataclass(frozen=True)
class Annotation:
    """What is known about a clip.

    Attributes:
        speaker: Who speaks; empty when unknown.
        words: What is spoken when.
        emotion: How it is spoken; empty when unknown.
        level: How strongly that is shown, where the corpus tells.
        text: What is said in full, where the corpus tells.
        demographics: Who the speaker is, where the corpus tells.
        frames: How long the clip must be, where the times of the words follow from that.
    """

    speaker: str
    words: tuple[WordSpan, ...]
    emotion: str = ""
    level: str | None = None
    text: str | None = None
    demographics: Demographics | None = None
    frames: int | None = None


class RawCorpus(Protocol):
    """A raw corpus: cheap to list, annotated clip by clip."""

    @property
    def name(self) -> str:
        """Name of the corpus."""
        ...

    def clips(self) -> list[RawClip]:
        """All clips, in a fixed order, without opening them.

        Raises:
            CorpusError: The folder holds none.
        """
        ...

    def annotate(self, clip: RawClip) -> Annotation:
        """Speaker and words of one clip.

        Raises:
            ClipError: The annotation is missing or damaged.
        """
        ...
