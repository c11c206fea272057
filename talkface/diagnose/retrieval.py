"""Does a sound find its lips among those of other clips, and at the right time?"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from talkface.diagnose.charts import draw_retrieval
from talkface.diagnose.finding import Finding
from talkface.diagnose.sources import sources_of
from talkface.diagnose.subject import Subject
from talkface.losses.sync import standardize, unit
from talkface.metrics.table import Cell, ResultTable, plain

WINDOW = 20
"""Frames of a window; fewer where clips are short."""

LAGS = 15
"""Frames by which a sound is shifted either way."""

WITHIN = 1
"""Frames by which a shift may be wrong."""

LEAST = 5
FEWEST = 2
TOP = (1, 5)

QUESTION = "Does a sound find its own lips among other clips, and at the right time?"

TITLES = {
    "audio_to_lips": "sound to lips",
    "lips_to_audio": "lips to sound",
    "shift": f"shift within ±{LAGS} frames, ±{WITHIN} counts",
}


class Speech(NamedTuple):
    """Codes of one clip, of unit length, and the frames in which it speaks."""

    name: str
    audio: Float[Tensor, "t d"]
    lips: Float[Tensor, "t d"]
    spoken: Bool[Tensor, " t"]


def diagnose(subject: Subject) -> Finding:
    """Encode clips and look for each other's partners."""
    windows = subject.windows()
    if len(windows) < FEWEST:
        return Finding(QUESTION, skipped=f"there is {len(windows)} clip, a choice needs two")
    clips = []
    with torch.no_grad():
        for window in windows:
            codes = sources_of(subject.model, window)
            spoken = window.spoken[0].cpu()
            clips.append(Speech(window.clip[0], codes.sound[0].cpu(), codes.lips[0].cpu(), spoken))
    return measure(clips)


def measure(clips: Sequence[Speech]) -> Finding:
    """Retrieval of codes as networks gave them; they are standardised over all clips first.

    Choices are the windows of all clips at the same place, so that none is told by silence at its
    beginning. Windows count in which the clip speaks for at least half of the time. Equal
    candidates share a hit.
    """
    clips = standardized(clips)
    length = min(len(clip.audio) for clip in clips)
    width = min(WINDOW, length)
    table = ResultTable(titles=TITLES)
    ranks, matrix = among_clips(clips, length, width)
    for row, found in ranks.items():
        for k in TOP:
            hits = {name: mean([_hit(*r, k) for r in values]) for name, values in found.items()}
            table.set(row, f"R@{k}", Cell.mean(hits))
            table.set(row, f"chance of R@{k}", Cell(min(1.0, k / len(clips))))
    shifts = within_clips(clips, width)
    table.set("shift", "right", Cell.mean({name: s.right for name, s in shifts.items()}))
    table.set("shift", "chance of right", Cell(mean([s.chance for s in shifts.values()])))
    curve = torch.stack([s.curve for s in shifts.values()]).nanmean(0)
    table.details |= {"width": width, "candidates": len(clips), "lags": _listed(curve)}
    best = int(curve.nan_to_num(-torch.inf).argmax()) - LAGS
    table.details["best_lag"] = best
    table.notes.append(
        f"{len(clips)} candidates, windows of {width} frames. On average over clips sound and lips "
        f"fit best at a shift of {best} frames (positive: lips too late)."
    )
    return Finding(QUESTION, table, {"retrieval": draw_retrieval(matrix, curve, LAGS)})


def standardized(clips: Sequence[Speech]) -> list[Speech]:
    """Codes as the sync losses compare them: standardised over all frames, of unit length."""
    lengths = [len(clip.audio) for clip in clips]
    audio, lips = (
        unit(standardize(torch.cat([getattr(clip, name) for clip in clips]))).split(lengths)
        for name in ("audio", "lips")
    )
    return [c._replace(audio=a, lips=v) for c, a, v in zip(clips, audio, lips, strict=True)]


Rank = tuple[int, int]
"""Candidates that are better than the right one, and those as good, itself among them."""


def among_clips(
    clips: Sequence[Speech], length: int, width: int
) -> tuple[dict[str, dict[str, list[Rank]]], Float[Tensor, "clips clips"]]:
    """Ranks of the right partner by direction and clip, and the mean similarity of all pairs."""
    ranks: dict[str, dict[str, list[Rank]]] = {"audio_to_lips": {}, "lips_to_audio": {}}
    matrices = []
    for start in range(0, length - width + 1, width):
        run = slice(start, start + width)
        audio, lips = (
            torch.stack([getattr(clip, name)[run].flatten() for clip in clips])
            for name in ("audio", "lips")
        )
        scores = audio @ lips.T / width
        matrices.append(scores)
        for place, clip in enumerate(clips):
            if clip.spoken[run].float().mean() >= 1 / 2:
                for row, line in zip(ranks, (scores[place], scores[:, place]), strict=True):
                    ranks[row].setdefault(clip.name, []).append(_rank(line, place))
    return ranks, torch.stack(matrices).mean(0)


def _rank(scores: Float[Tensor, " n"], right: int) -> Rank:
    same = torch.isclose(scores, scores[right], atol=1e-6)
    return int(((scores > scores[right]) & ~same).sum()), int(same.sum())


def _hit(better: int, same: int, k: int) -> float:
    """How probable it is that the right one is among the first ``k`` if equal ones are shuffled."""
    return min(max((k - better) / same, 0.0), 1.0)


class Shift(NamedTuple):
    """Share of right shifts of a clip, what chance would give, and mean similarity by shift."""

    right: float
    chance: float
    curve: Float[Tensor, " lags"]


def within_clips(clips: Sequence[Speech], width: int) -> dict[str, Shift]:
    """For every window of sound, the lips of the same clip that fit best."""
    shifts = {}
    for clip in clips:
        wide = max(min(width, len(clip.audio) - 2 * LAGS), min(width, LEAST))
        windows = clip.lips.unfold(0, wide, 1).transpose(1, 2).flatten(1)
        right, chance, curves = [], [], []
        for start in range(0, len(windows), max(1, wide // 2)):
            if clip.spoken[start : start + wide].float().mean() < 1 / 2:
                continue
            curve = _by_lag(windows, clip.audio[start : start + wide].flatten(), start) / wide
            best = torch.isclose(curve, curve.nan_to_num(-torch.inf).max(), atol=1e-6)
            near = slice(LAGS - WITHIN, LAGS + WITHIN + 1)
            right.append(float(best[near].sum() / best.sum()))
            chance.append(float(curve[near].isfinite().sum() / curve.isfinite().sum()))
            curves.append(curve)
        if right:
            shifts[clip.name] = Shift(mean(right), mean(chance), torch.stack(curves).nanmean(0))
    return shifts


def _by_lag(
    windows: Float[Tensor, "n _"], sound: Float[Tensor, " _"], start: int
) -> Float[Tensor, " lags"]:
    """Similarity of the lips at every shift, NaN where the clip ends before."""
    curve = torch.full((2 * LAGS + 1,), torch.nan)
    first, last = max(0, start - LAGS), min(len(windows), start + LAGS + 1)
    curve[first - start + LAGS : last - start + LAGS] = windows[first:last] @ sound
    return curve


def mean(values: Sequence[float]) -> float:
    """The mean; NaN of nothing."""
    return sum(values) / len(values) if values else float("nan")


def _listed(curve: Float[Tensor, " lags"]) -> list[float | str | None]:
    return [plain(value) for value in curve.tolist()]
