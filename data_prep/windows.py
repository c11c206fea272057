"""Sentences cut into clips of one word each, as LRW has them."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

from jaxtyping import Int16, UInt8
from torch import Tensor

from data_prep.corpora.lrw import FRAMES
from data_prep.corpora.raw import SIDECAR, Annotation, ClipError, RawClip, RawCorpus
from data_prep.splits import Holdout, assign_splits
from talkface.data.layout import WordSpan
from talkface.types import FPS, SAMPLE_RATE


@dataclass(frozen=True)
class WordWindow(RawClip):
    """A part of a video with one of its words in the middle.

    Attributes:
        place: Which of the words of the video, from 0.
    """

    place: int = 0

    @property
    def sidecar(self) -> Path:
        """Where the landmarks of this part are, if they were made together with the video."""
        return self.video.with_suffix(f".{self.place}{SIDECAR}")


@dataclass(frozen=True)
class WordWindows:
    """A raw corpus of sentences, as one clip per word.

    Attributes:
        corpus: The corpus, which knows when words are said.
        holdout: The split of its sentences: all words of one are in the same split.
    """

    corpus: RawCorpus
    holdout: Holdout

    @property
    def name(self) -> str:
        """Name of the corpus: folders of sentences and of words do not mix."""
        return f"{self.corpus.name}-words"

    def clips(self) -> list[RawClip]:
        """The words of all sentences; a sentence that does not tell them stays, to be skipped.

        Raises:
            CorpusError: There is no sentence, or none is left to train with.
        """
        sentences = self.corpus.clips()
        splits = assign_splits(sentences, self.holdout)
        split = [replace(sentence, split=splits[sentence.id]) for sentence in sentences]
        return [window for sentence in split for window in self._windows(sentence)]

    def annotate(self, clip: RawClip) -> Annotation:
        """As the corpus does it, with the one word; its times are those of the whole video."""
        annotation = self.corpus.annotate(clip)
        if not isinstance(clip, WordWindow):
            return annotation
        return replace(annotation, words=(annotation.words[clip.place],))

    def _windows(self, sentence: RawClip) -> Iterator[RawClip]:
        try:
            words = self.corpus.annotate(sentence).words
        except ClipError:
            yield sentence
            return
        shared = {field.name: getattr(sentence, field.name) for field in fields(RawClip)}
        for place, span in enumerate(words):
            named = {"id": f"{sentence.id}/{place}_{span.word}", "words": (span.word,)}
            yield WordWindow(**{**shared, **named}, place=place)


def cut_around(
    span: WordSpan, frames: UInt8[Tensor, "n 3 h w"], sound: Int16[Tensor, " samples"]
) -> tuple[WordSpan, UInt8[Tensor, "29 3 h w"], Int16[Tensor, " part"]]:
    """The frames with a word in the middle, or nearly so at the ends, and their sound.

    Returns:
        The word in seconds of the part, and the part.

    Raises:
        ClipError: The video is too short.
    """
    if len(frames) < FRAMES:
        raise ClipError(f"The video has {len(frames)} frames, a clip of a word takes {FRAMES}.")
    first = round((span.start + span.end) / 2 * FPS - FRAMES / 2)
    first = min(max(first, 0), len(frames) - FRAMES)
    moved = replace(span, start=span.start - first / FPS, end=span.end - first / FPS)
    step = SAMPLE_RATE // FPS
    return moved, frames[first : first + FRAMES], sound[first * step : (first + FRAMES) * step]
