"""A corpus whose reader blocks: a module of its own, since other processes must import it."""

import itertools
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from data_prep.corpora import Annotation, GridCorpus, RawClip


@dataclass(frozen=True)
class BlockingCorpus:
    """GRID, but clips called ``pipe`` or ``native`` block for ever.

    Attributes:
        corpus: The corpus.
    """

    corpus: GridCorpus
    name: str = "grid"

    def clips(self) -> list[RawClip]:
        """Those of GRID."""
        return self.corpus.clips()

    def annotate(self, clip: RawClip) -> Annotation:
        """Wait for the other end of a pipe, or count without ever returning to Python."""
        if clip.video.stem == "pipe":
            wait_for_nobody(clip.video.with_suffix(".pipe"))
        if clip.video.stem == "native":
            sum(itertools.repeat(1))
        return self.corpus.annotate(clip)


def wait_for_nobody(path: Path) -> None:
    """Open a pipe that nobody writes to."""
    with suppress(FileExistsError):  # when it is tried again
        os.mkfifo(path)
    path.read_bytes()
