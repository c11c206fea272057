"""What every source of a rendering contributes: swapped one at a time for that of another clip."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from talkface.data.records import ClipRecord
from talkface.diagnose.finding import Finding
from talkface.diagnose.subject import Subject, spread
from talkface.diagnose.swap_sheet import draw_swaps
from talkface.losses.masks import region_weights
from talkface.metrics.image import unit
from talkface.metrics.opening import MotionAgreement, Openings, openings
from talkface.metrics.reader import MouthReader
from talkface.metrics.table import Cell, ResultTable
from talkface.render.model import Model
from talkface.types import Window

CHUNK = 32
"""Frames encoded or rendered at once."""

LEVELS = 255
FEWEST = 2

QUESTION = "What does each source change, and whose openings does the rendering show?"

TITLES = {
    "true": "A, true frames",
    "seen": "all of A, lips seen",
    "lips": "lips of B",
    "eyes": "eyes of B",
    "contour": "contour of B",
    "portrait": "portrait of B",
    "heard": "all of A, lips heard",
    "sound": "sound of B",
}
"""Rows, in their order."""

MOUTHS = {"heard": "sound", "sound": "sound"}
"""Where a row's lips come from, if not from the video."""

BASES = {"sound": "heard", **dict.fromkeys(("lips", "eyes", "contour", "portrait"), "seen")}
"""The row that a swap is held against."""


class Sources(NamedTuple):
    """Everything that a rendering is made of.

    Attributes:
        lips: f_lip of the frames.
        sound: f_a of the sound.
        eyes: Code of eyes and brows.
        contour: Code of contour and nose.
        portrait: Codes of the portrait.
    """

    lips: Float[Tensor, "1 t d"]
    sound: Float[Tensor, "1 t d"]
    eyes: Float[Tensor, "1 t _"]
    contour: Float[Tensor, "1 t _"]
    portrait: Any


class Pair(NamedTuple):
    """Two clips of one length.

    Attributes:
        a: The clip that everything but the swapped source comes from.
        b: The donor.
    """

    a: Window
    b: Window

    @property
    def name(self) -> str:
        """What the pair is called."""
        return f"{self.a.clip[0]} <- {self.b.clip[0]}"

    def cut(self) -> "Pair":
        """Both clips as long as the shorter one."""
        frames = min(self.a.frames.shape[1], self.b.frames.shape[1])
        return Pair(first(self.a, frames), first(self.b, frames))


class Swaps(NamedTuple):
    """Renderings of a pair by row, in [0, 1], and where mouth and eyes are in either clip."""

    rows: dict[str, Float[Tensor, "t 3 S S"]]
    mouth: Float[Tensor, "t S S"]
    eyes: Float[Tensor, "t S S"]


def first(window: Window, frames: int) -> Window:
    """The first frames of a batch."""
    parts = ("frames", "driving", "mfcc", "landmarks", "driving_landmarks", "spoken")
    return window._replace(**{name: getattr(window, name)[:, :frames] for name in parts})


def diagnose(subject: Subject) -> Finding:
    """Swap sources between pairs of clips."""
    records = subject.shown.records
    if len(records) < FEWEST:
        return Finding(QUESTION, skipped=f"the split has {len(records)} clip, a pair needs two")
    pairs = [
        Pair(subject.window(subject.shown, a), subject.window(subject.shown, b)).cut()
        for a, b in paired(records, subject.settings.clips)
    ]
    return measure(subject.model, pairs, subject.reader)


def paired(records: Sequence[ClipRecord], count: int) -> list[tuple[int, int]]:
    """Places of clips and their donors: of the next other speaker, or half the split away."""
    speakers = [record.speaker for record in records]
    pairs = []
    for a in spread(len(records), count):
        others = [(a + step) % len(records) for step in range(1, len(records))]
        foreign = [b for b in others if speakers[b] != speakers[a]]
        pairs.append((a, foreign[0] if foreign else (a + len(records) // 2) % len(records)))
    return pairs


@torch.no_grad()
def measure(model: Model, pairs: Sequence[Pair], reader: MouthReader) -> Finding:
    """Render every swap of every pair and measure it.

    Changes are mean absolute differences from the row that nothing was swapped in, in grey levels,
    inside soft masks of mouth and eyes, of either clip, and in the rest of the picture. Openings
    are correlated with those of both clips where either speaks, without each clip's mean.
    """
    table = ResultTable(titles=TITLES)
    changes: dict[str, dict[str, dict[str, float]]] = {}
    follows = Follows()
    figures = {}
    for index, pair in enumerate(pairs):
        swaps = swap(model, pair)
        for row, frames in swaps.rows.items():
            base = swaps.rows[BASES.get(row, row)]
            if row in BASES:
                changes.setdefault(row, {})[pair.name] = change(frames, base, swaps)
            follows.add(row, Openings(*reader.read(frames)[:2]), pair)
        figures[f"sources_{index:02d}"] = draw_swaps(
            f"A {pair.a.clip[0]}, B {pair.b.clip[0]}",
            unit(pair.b.frames[0]),
            {TITLES[row]: frames for row, frames in swaps.rows.items()},
            {TITLES[row]: TITLES[base] for row, base in BASES.items()},
        )
    for row in follows.rows():
        for region in ("mouth", "eyes", "elsewhere"):
            known = {name: c[region] for name, c in changes.get(row, {}).items()}
            if known:
                table.set(row, f"change of {region}", Cell.mean(known))
        for metric, cell in follows.cells(row).items():
            table.set(row, metric, cell)
    table.details["pairs"] = [pair.name for pair in pairs]
    return Finding(QUESTION, table, figures)


def swap(model: Model, pair: Pair) -> Swaps:
    """Every row of a pair."""
    a, b = (sources_of(model, window) for window in pair)
    rows = {"true": unit(pair.a.frames[0])}
    for row in list(TITLES)[1:]:
        source = row if row in Sources._fields else None
        if source is not None and source != "portrait" and not getattr(a, source).shape[-1]:
            continue  # the encoder has no face feature
        given = a if source is None else a._replace(**{source: getattr(b, source)})
        rows[row] = render(model, given, MOUTHS.get(row, "lips"))
    marks = [masks(window.landmarks[0], window.frames.shape[-1]) for window in pair]
    mouth, eyes = (torch.maximum(*both) for both in zip(*marks, strict=True))
    return Swaps(rows, mouth, eyes)


def sources_of(model: Model, window: Window) -> Sources:
    """What one clip gives, as in use."""
    sound, video = [], []
    for start in range(0, window.frames.shape[1], CHUNK):
        run = slice(start, start + CHUNK)
        sound.append(model.encode_audio(window.mfcc[:, run]))
        video.append(model.encode_video(window.driving[:, run]))
    seen = {
        name: torch.cat([getattr(codes, name) for codes in video], dim=1)
        for name in ("lips", "eyes", "contour")
    }
    return Sources(
        sound=torch.cat(sound, 1), portrait=model.encode_portrait(window.identity), **seen
    )


def render(model: Model, given: Sources, mouth: str) -> Float[Tensor, "t 3 S S"]:
    """Frames in [0, 1], lips by ``lips`` or ``sound``."""
    codes, face = getattr(given, mouth), torch.cat([given.eyes, given.contour], dim=-1)
    parts = [
        model.render(codes[:, i : i + CHUNK], face[:, i : i + CHUNK], given.portrait)[0]
        for i in range(0, codes.shape[1], CHUNK)
    ]
    return unit(torch.cat(parts))


def masks(
    landmarks: Float[Tensor, "t 68 2"], side: int
) -> tuple[Float[Tensor, "t S S"], Float[Tensor, "t S S"]]:
    """Soft masks of mouth and eyes, 1 in their middle; 0 where landmarks are unknown."""
    mouth = region_weights(landmarks, side, mouth=2.0, eyes=1.0)[:, 0] - 1
    eyes = region_weights(landmarks, side, mouth=1.0, eyes=2.0)[:, 0] - 1
    return mouth, eyes


def change(
    frames: Float[Tensor, "t 3 S S"], base: Float[Tensor, "t 3 S S"], swaps: Swaps
) -> dict[str, float]:
    """Mean absolute difference in grey levels by region."""
    apart = (frames - base).abs().mean(1) * LEVELS
    rest = 1 - torch.maximum(swaps.mouth, swaps.eyes).clamp(max=1)
    regions = {"mouth": swaps.mouth, "eyes": swaps.eyes, "elsewhere": rest}
    return {name: float((apart * mask).sum() / mask.sum()) for name, mask in regions.items()}


class Follows:
    """Correlation of a row's openings with those of either clip of its pair, pooled over pairs."""

    def __init__(self) -> None:
        self._pooled: dict[tuple[str, str, str], MotionAgreement] = {}

    def add(self, row: str, read: Openings, pair: Pair) -> None:
        """Add the openings of one row of one pair."""
        spoken = (pair.a.spoken | pair.b.spoken)[0].cpu()
        for who, window in zip(("A", "B"), pair, strict=True):
            truth = openings(window.landmarks[0].cpu())
            for part, seen, true in zip(("mouth", "eyes"), read, truth, strict=True):
                metric = self._pooled.setdefault(
                    (row, part, who), MotionAgreement(lags=0, sync_on_compute=False)
                )
                metric.update(seen.cpu(), true, spoken)

    def rows(self) -> list[str]:
        """Rows that were added, in the order of ``TITLES``."""
        present = {row for row, _, _ in self._pooled}
        return [row for row in TITLES if row in present]

    def cells(self, row: str) -> dict[str, Cell]:
        """Correlation of mouth and eyes with A's and B's, and how lively they are beside A's."""
        cells = {}
        for part in ("mouth", "eyes"):
            a, b = (self._pooled[row, part, who].compute() for who in ("A", "B"))
            cells[f"{part} r with A"] = Cell(float(a.r))
            cells[f"{part} r with B"] = Cell(float(b.r))
            cells[f"{part} gain"] = Cell(float(a.gain))
        return cells
