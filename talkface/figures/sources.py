"""What figures are made of: renderings that tests kept, and clips of a prepared corpus."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Int16, UInt8
from torch import Tensor

from talkface.data.layout import ClipReader, ClipRecord, is_complete, read_corpus, read_record
from talkface.data.mfcc import Mfcc
from talkface.data.records import WordSpan
from talkface.data.renderings import Renderings, RenderingsNotFoundError, kept_clips
from talkface.figures.errors import (
    DifferentTruthError,
    NoCommonClipError,
    RunNameError,
    UnknownClipError,
    UnknownRowError,
)
from talkface.types import FPS


class Run(NamedTuple):
    """A test and what it is called in a figure."""

    name: str
    folder: Path


class Match(NamedTuple):
    """One clip as several runs rendered it.

    Attributes:
        truth: What all runs have in common: portrait, true frames, landmarks.
        frames: One row of every run, by the name of the run.
    """

    truth: Renderings
    frames: dict[str, UInt8[Tensor, "t 3 S S"]]


def clips_of(runs: Sequence[Run], wanted: Sequence[str], most: int | None) -> list[str]:
    """Clips that all runs have kept: those wanted, or else the first ``most``.

    Raises:
        RenderingsNotFoundError: If a folder holds no renderings at all.
        RunNameError: If two runs have one name.
        NoCommonClipError: If there is no such clip.
    """
    if len({run.name for run in runs}) < len(runs):
        names = ", ".join(run.name for run in runs)
        raise RunNameError(f"Each run needs a name of its own, but got: {names}.")
    kept = {run.name: kept_clips(run.folder) for run in runs}
    for run in runs:
        if not kept[run.name]:
            raise RenderingsNotFoundError(run.folder, "none at all")
    if wanted:  # a clip that is not there is told when it is read
        return list(wanted)
    first, *others = kept.values()
    common = [clip for clip in first if all(clip in clips for clips in others)]
    if not common:
        raise NoCommonClipError(kept)
    return common[:most]


def shown(renderings: Renderings, row: str) -> UInt8[Tensor, "t 3 S S"]:
    """The frames of one row.

    Raises:
        UnknownRowError: If the test did not render it.
    """
    if row not in renderings.rows:
        raise UnknownRowError(row, renderings.clip, renderings.rows)
    return renderings.rows[row]


def matched(runs: Sequence[Run], clip: str, row: str) -> Match:
    """One clip and row of all runs, as long as the shortest of them.

    Raises:
        RenderingsNotFoundError: If a run has not kept the clip.
        UnknownRowError: If a run did not render the row.
        DifferentTruthError: If the runs were not tested on the same pictures.
    """
    kept = {run.name: Renderings.read(run.folder, clip) for run in runs}
    first, *others = kept.values()
    for name, other in zip(list(kept)[1:], others, strict=True):
        if told := _unlike(first.rows["truth"], other.rows["truth"]):
            raise DifferentTruthError(clip, runs[0].name, name, told)
    rows = {name: shown(one, row) for name, one in kept.items()}
    length = min(len(frames) for frames in rows.values())
    truth = {"truth": first.rows["truth"][:length]}
    cut = dataclasses.replace(first, rows=truth, landmarks=first.landmarks[:length])
    return Match(cut, {name: frames[:length] for name, frames in rows.items()})


def _unlike(first: UInt8[Tensor, "_ 3 _ _"], second: UInt8[Tensor, "_ 3 _ _"]) -> str:
    """How the true frames of two runs differ; empty if they do not."""
    if first.shape == second.shape:
        return "" if torch.equal(first, second) else "other pixels"
    sizes = (f"{len(frames)} frames of {frames.shape[-1]} px" for frames in (first, second))
    return " against ".join(sizes)


def record_of(corpus: Path, clip: str) -> ClipRecord:
    """The record of a clip of a prepared corpus.

    Raises:
        ManifestNotFoundError: If ``corpus`` is none.
        UnknownClipError: If it has no such clip.
        LayoutError: If it is damaged, or ``clip`` cannot name a clip.
    """
    read_corpus(corpus)
    if not is_complete(corpus, clip):
        raise UnknownClipError(clip, corpus)
    return read_record(corpus, clip)


def sound_of(corpus: Path, clip: str) -> tuple[Int16[Tensor, " samples"], tuple[WordSpan, ...]]:
    """The sound of a whole clip and what is spoken when; errors as ``record_of``."""
    record = record_of(corpus, clip)
    return ClipReader(corpus, record).sound(), record.words


def rendered_words(corpus: Path | None, clip: str) -> list[WordSpan]:
    """The words of a clip, counted from its first rendered frame; none without a corpus.

    Errors as ``record_of``.
    """
    if corpus is None:
        return []
    record = record_of(corpus, clip)
    skipped = Mfcc().usable(record.samples).start / FPS  # the same by every preset
    return [WordSpan(w.word, w.start - skipped, w.end - skipped) for w in record.words]
