"""From scores to the table: which clips count, their means, and what is to be said beside."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch

from talkface.compare.folders import Matching, Refusal
from talkface.compare.motion import LAGS, POOLED, Pair, motion_cells
from talkface.compare.scorer import COPY, TRUTH
from talkface.compare.scores import Score
from talkface.compare.settings import Settings
from talkface.metrics.cpbd import BLOCK
from talkface.metrics.table import Cell, ResultTable, column

Rows = dict[str, dict[str, Score]]
"""Scores by row, then clip."""

EXPECTED = {(TRUTH, "psnr"), (COPY, "mouth_r"), (COPY, "eye_r")}
"""Figures that are never finite: the truth is itself, and a still picture does not move."""

UNMATCHED = "There is no video of this name among those of the method."
UNKNOWN = "There is no true clip of this name."


class Compared(NamedTuple):
    """What a comparison found.

    Attributes:
        table: The table.
        refusals: Videos without figures, and clips without a counterpart.
        clips: Clips that the means of each row are over.
    """

    table: ResultTable
    refusals: list[Refusal]
    clips: dict[str, list[str]]


def compared(
    scores: Sequence[Score], matching: Matching, settings: Settings, *, paired: bool = True
) -> Compared:
    """Average scores.

    Args:
        scores: Scores of all videos.
        matching: What was found in the folders.
        settings: How the scores came about.
        paired: Average over the clips that no row was refused in; else every method over all
            clips that it has figures of.
    """
    rows: Rows = {row: {} for row in (TRUTH, COPY, *matching.missing)}
    for score in scores:
        rows[score.row][score.clip] = score
    usable = {
        row: [c for c, s in clips.items() if s.refused is None] for row, clips in rows.items()
    }
    if paired:
        shared = set.intersection(*map(set, usable.values()))
        usable = {row: [c for c in clips if c in shared] for row, clips in usable.items()}
    table = ResultTable(titles={method: method for method in matching.missing})
    for row, clips in usable.items():
        if clips:
            _enter(table, row, {clip: rows[row][clip] for clip in clips}, rows[TRUTH])
    table.protocol = protocol(settings, len(usable[TRUTH]), paired=paired)
    table.details = _details(rows, usable, matching) | table.details
    table.notes = [_coverage_note(table, paired=paired), *_notes(table, rows, usable)]
    return Compared(table, refusals(scores, matching), usable)


def refusals(scores: Sequence[Score], matching: Matching) -> list[Refusal]:
    """Everything that is not in the means, with its reason, nothing left out."""
    found = [Refusal(s.row, s.clip, s.refused) for s in scores if s.refused is not None]
    found = [one for one in found if one.method != COPY]  # is refused where the truth is
    for method, clips in matching.missing.items():
        found += [Refusal(method, clip, UNMATCHED) for clip in clips]
    for method, clips in matching.extra.items():
        found += [Refusal(method, clip, UNKNOWN) for clip in clips]
    return found


def protocol(
    settings: Settings, clips: int, *, paired: bool
) -> dict[str, str | int | float | None]:
    """How the figures came about."""
    aligned = "videos are aligned crops already, scaled bilinearly with antialiasing"
    found = "every video by its own landmarks: one similarity per clip, a smoothed shift"
    offsets = ", ".join(f"{method} {frames}" for method, frames in settings.offsets.items())
    return {
        "clips": clips,
        "means over": "clips that all methods have" if paired else "clips of each method",
        "side": settings.side,
        "frames": "25 per second, nearest in time",
        "length": f"cut to the shorter, at most {settings.mismatch} frames apart",
        "offsets": offsets or "none",
        "alignment": aligned if settings.aligned else found,
        "landmarks": settings.landmarks,
        "motion": "all frames, speech or silence; each clip's mean removed, clips pooled",
        "SyncNet": None if settings.syncnet is None else settings.syncnet.name,
        "sound": "that of the video itself, of the true clip where it has none",
        "identity encoder": None if settings.identity is None else settings.identity.name,
        "PSNR and SSIM": "RGB floats in [0, 1], mean over frames, then over clips; frames equal "
        "to the truth bit by bit have no PSNR",
        "CPBD": f"BT.601 luma, blocks of {BLOCK} pixels; undefined for smaller frames",
        "±": "half a 95 % confidence interval over clips",
    }


def _enter(
    table: ResultTable, row: str, scores: Mapping[str, Score], truth: Mapping[str, Score]
) -> None:
    """Enter the means of one row."""
    for metric in dict.fromkeys(name for score in scores.values() for name in score.figures):
        values = {c: s.figures[metric] for c, s in scores.items() if metric in s.figures}
        table.set(row, metric, finite_mean(values))
    read = {clip: score for clip, score in scores.items() if score.mouth}
    if not read:
        return
    mouths = {c: _pair(s.mouth, truth[c].mouth, s.first) for c, s in read.items()}
    eyes = {c: _pair(s.eyes, truth[c].eyes, s.first) for c, s in read.items()}
    cells, curve = motion_cells(mouths, eyes)
    for metric, cell in cells.items():
        table.set(row, metric, cell)
    motion = table.details.setdefault("motion", {"lags": [-LAGS, LAGS], "mouth": {}})
    motion["mouth"][row] = [None if math.isnan(r) else r for r in curve]
    table.details["pooled"] = list(POOLED)


def finite_mean(values: Mapping[str, float]) -> Cell:
    """The mean of the finite figures, with all of them beside it; as it is where none is finite."""
    finite = {clip: value for clip, value in values.items() if math.isfinite(value)}
    if not finite:
        return Cell.mean(values)
    mean = Cell.mean(finite)
    return Cell(mean.value, mean.margin, values)


def _pair(shown: Sequence[float], true: Sequence[float], first: int) -> Pair:
    return Pair(torch.tensor(shown), torch.tensor(true[first : first + len(shown)]))


def _details(
    rows: Rows, usable: Mapping[str, Sequence[str]], matching: Matching
) -> dict[str, object]:
    coverage = {}
    for method, missing in matching.missing.items():
        refused = sum(score.refused is not None for score in rows[method].values())
        used = len(usable[method])
        coverage[method] = {
            "true clips": matching.total,
            "in the means": used,
            "without a video": len(missing),
            "refused": refused,
            "not there for another method": matching.total - used - len(missing) - refused,
            "without a true clip": len(matching.extra[method]),
        }
    bridged = {row: sum(s.bridged for s in clips.values()) for row, clips in rows.items()}
    silent = [clip for clip, score in rows[TRUTH].items() if score.silent]
    return {"coverage": coverage, "frames without a face": bridged, "silent": silent}


def _coverage_note(table: ResultTable, *, paired: bool) -> str:
    told = []
    for method, counts in table.details["coverage"].items():
        total, used, *gaps = counts.items()
        gap = ", ".join(f"{count} {why}" for why, count in gaps if count)
        told.append(f"{method} {used[1]} of {total[1]}" + (f" ({gap})" if gap else ""))
    whose = "the clips that all methods have" if paired else "the clips of each method"
    return f"Means are over {whose}. Clips in the means: {'; '.join(told)}."


def _notes(table: ResultTable, rows: Rows, usable: Mapping[str, Sequence[str]]) -> list[str]:
    notes = []
    if odd := _not_finite(table):
        notes.append(f"Not finite, and so not in a mean: {'; '.join(odd)}.")
    if silent := table.details["silent"]:
        notes.append(f"Without sync figures, as the true clip has no sound: {', '.join(silent)}.")
    if faceless := {row: n for row, n in table.details["frames without a face"].items() if n}:
        told = ", ".join(f"{table.title(row)} {count}" for row, count in faceless.items())
        notes.append(f"Frames in which no face was found, bridged for the alignment: {told}.")
    return notes


def _not_finite(table: ResultTable) -> list[str]:
    told = []
    for row in table.rows():
        for metric, cell in table.cells[row].items():
            odd = sum(not math.isfinite(value) for value in cell.clips.values())
            if odd and (row, metric) not in EXPECTED:
                told.append(
                    f"{column(metric).title} of {table.title(row)} in {odd} of {len(cell.clips)}"
                )
    return told
