"""GRID: sentences of three seconds by 34 speakers, with the times of all words.

Cooke, Barker, Cunningham and Shao 2006, https://doi.org/10.1121/1.2229005. Read are the official
folders (``s1/bbaf2n.mpg``, ``s1/video/mpg_6000/bbaf2n.mpg``, ``align/s1/bbaf2n.align``,
``s1/align/bbaf2n.align``) as well as one flat folder of a single speaker.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from data_prep.corpora.raw import Annotation, ClipError, CorpusError, RawClip, check_span
from talkface.data.layout import WordSpan

TICKS = 25_000
"""Units of time per second in the align files."""

SILENCE = frozenset({"sil", "sp"})
VIDEOS = frozenset({".mpg", ".mpeg", ".mp4", ".avi", ".mov", ".mkv"})
SPEAKER = re.compile(r"s\d+")
LINE = re.compile(r"\d{1,9} \d{1,9} [\w'-]{1,40}", re.ASCII)
"""A line; the word becomes part of the names of files."""

FIELDS = 3


@dataclass(frozen=True)
class GridCorpus:
    """A folder of GRID videos and their align files.

    Attributes:
        source: Folder with the videos: of all speakers, or of one.
        align: Folder with the align files, with or without a folder per speaker; by default
            they are looked for beside the videos.
    """

    source: Path
    align: Path | None = None
    name: str = "grid"

    def clips(self) -> list[RawClip]:
        """All videos, by speaker and name; of two with one name the first is taken."""
        found: dict[str, RawClip] = {}
        for path in sorted(self.source.rglob("*")):
            if path.suffix.lower() in VIDEOS:  # what is no file must be skipped with a reason
                speaker = _speaker(path)
                name = f"{speaker}/{path.stem}"
                found.setdefault(name, RawClip(name, path, group=speaker))
        if not found:
            raise CorpusError(
                f"No video ({', '.join(sorted(VIDEOS))}) under {self.source}. `--source` must be "
                "the folder with the speakers s1, s2 ... of GRID, or one of them."
            )
        return list(found.values())

    def annotate(self, clip: RawClip) -> Annotation:
        """The speaker by the folder, the words by the align file."""
        places = list(self._places(clip))
        for path in places:
            if path.is_file():
                return Annotation(clip.group, read_align(path))
        looked = ", ".join(str(path) for path in places)
        raise ClipError(f"No align file (looked for {looked}). Name their folder with `--align`.")

    def _places(self, clip: RawClip) -> Iterator[Path]:
        file = f"{clip.video.stem}.align"
        for root in [self.align] if self.align else [self.source, self.source.parent]:
            yield from (root / clip.group / file, root / clip.group / "align" / file)
            yield from (root / "align" / clip.group / file, root / "align" / file, root / file)


def read_align(path: Path) -> tuple[WordSpan, ...]:
    """The words of an align file with their times in seconds, silence left out.

    Raises:
        ClipError: A line is not ``start end word``.
    """
    words = []
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise ClipError(f"{path} cannot be read ({error.strerror}).") from error
    for number, line in enumerate(lines):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != FIELDS or not LINE.fullmatch(" ".join(fields)):
            raise ClipError(
                f"{path}, line {number + 1}: expected `start end word`, got {line!r:.60}."
            )
        if fields[2] not in SILENCE:
            start, end = (int(ticks) / TICKS for ticks in fields[:2])
            words.append(check_span(path, WordSpan(fields[2], start, end)))
    if not words:
        raise ClipError(f"{path} holds no word.")
    return tuple(words)


def _speaker(path: Path) -> str:
    """The nearest folder called like a speaker (s1), else the folder of the file."""
    names = [parent.name for parent in path.absolute().parents]
    return next((name for name in names if SPEAKER.fullmatch(name)), names[0])
