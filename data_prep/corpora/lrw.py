"""LRW: 500 words in the wild, 29 frames each, the word in the middle.

Chung and Zisserman 2016, https://www.robots.ox.ac.uk/~vgg/data/lip_reading/lrw1.html. The official
tree is ``lipread_mp4/WORD/{train,val,test}/WORD_00001.mp4`` with ``WORD_00001.txt`` beside it.
LRW names no speakers; a ``WORD_00001.json`` may add ``speaker`` and the exact times
``word_start`` and ``word_end`` in seconds.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from data_prep.corpora.raw import Annotation, ClipError, CorpusError, RawClip, check_span
from data_prep.corpora.sidecar import exact_times, read_sidecar
from talkface.data.layout import SPLITS, WordSpan
from talkface.types import FPS

FRAMES = 29
"""Length of every clip; the word is centred in it."""

DURATION = re.compile(r"^\s*Duration:?\s+([0-9]*\.?[0-9]+)", re.MULTILINE)


@dataclass(frozen=True)
class LrwCorpus:
    """The folder ``lipread_mp4``, or the one that holds it."""

    source: Path
    name: str = "lrw"

    def clips(self) -> list[RawClip]:
        """All videos, by word, split and number."""
        nested = self.source / "lipread_mp4"
        root = nested if nested.is_dir() else self.source
        clips = [
            RawClip(_name(root, path), path, split=split, words=(word.name,))
            for word in sorted(root.glob("*/"))
            for split in SPLITS
            for path in sorted((word / split).glob("[!.]*.mp4"))
        ]
        if not clips:
            raise CorpusError(
                f"No video under {root} in folders WORD/{{{','.join(SPLITS)}}}. `--source` must "
                "be the folder `lipread_mp4` of LRW, or the one that holds it."
            )
        return clips

    def annotate(self, clip: RawClip) -> Annotation:
        """The word by the folder, its span by the duration, the speaker by the sidecar."""
        told = clip.video.with_suffix(".json")
        extra = read_sidecar(told)
        exact = exact_times(told, extra)
        if exact is None:
            told = clip.video.with_suffix(".txt")
            half, centre = _duration(told) / 2, FRAMES / FPS / 2
            start, end = max(centre - half, 0.0), centre + half
        else:
            start, end = exact
        span = check_span(told, WordSpan(clip.video.parent.parent.name, start, end))
        frames = FRAMES if exact is None else None
        return Annotation(str(extra.get("speaker", "")), (span,), frames=frames)


def _name(root: Path, path: Path) -> str:
    return path.relative_to(root).with_suffix("").as_posix()


def _duration(path: Path) -> float:
    """Length of the word in seconds."""
    if not path.is_file():
        raise ClipError(f"No metadata {path}. It belongs beside the video; unpack LRW again.")
    match = DURATION.search(path.read_text(encoding="utf-8", errors="replace"))
    if match is None:
        raise ClipError(f"{path} has no line `Duration: 0.51 seconds`. Unpack LRW again.")
    return float(match[1])
