"""What a page of quality shows in figures: counts, and the distribution of every measure."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from data_prep.quality.limits import Limits
from data_prep.quality.measure import Quality
from talkface.data.layout import SPLITS
from talkface.report.palette import INK, color
from talkface.report.pictures import data_uri
from talkface.report.plots import svg

ENDS = 5
"""Clips named at either end of a measure."""

BINS = 30
TICKS = 5
HEIGHT = 1.9
"""Inches of a panel."""


@dataclass(frozen=True)
class Measure:
    """A figure of every clip.

    Attributes:
        name: Its column.
        title: What it is called.
        unit: Of what it is counted.
        worst: How bad a value is: the larger, the worse.
        digits: Decimals shown.
    """

    name: str
    title: str
    unit: str
    worst: Callable[[float], float]
    digits: int = 2

    def text(self, row: Quality) -> str:
        """The figure of a clip."""
        value: float = getattr(row, self.name)
        return "–" if math.isnan(value) else f"{value:.{self.digits}f}"


def _low(value: float) -> float:
    return -value


MEASURES = (
    Measure("offset", "Offset", "frames, positive = lips late", abs, 0),
    Measure("confidence", "Confidence", "of the offset", _low),
    Measure("sharpness", "Sharpness", "CPBD", _low),
    Measure("face", "Face", "px between outer eye corners in the source", _low, 0),
    Measure("jitter", "Jitter", "px per frame squared", float),
    Measure("unknown", "Unknown", "share of frames without all landmarks", float),
    Measure("loudness", "Loudness", "dB of full scale", _low, 1),
    Measure("silence", "Silence", "share of frames", float),
    Measure("clipping", "Clipping", "share of samples", float, 4),
    Measure("seconds", "Duration", "seconds", _low),
)


@dataclass(frozen=True)
class Distribution:
    """A measure over all clips.

    Attributes:
        measure: What is measured.
        uri: Its histogram.
        low: Clips with the lowest figures, lowest first.
        high: Clips with the highest figures, highest first.
        unknown: How many clips have no figure.
        constant: Whether all others have the same.
    """

    measure: Measure
    uri: str
    low: Sequence[Quality]
    high: Sequence[Quality]
    unknown: int
    constant: bool


def distributions(rows: Sequence[Quality], limits: Limits) -> list[Distribution]:
    """Every measure that any clip has."""
    found = []
    for measure in MEASURES:
        known = sorted(_known(rows, measure), key=lambda row: float(getattr(row, measure.name)))
        if known:
            values = [float(getattr(row, measure.name)) for row in known]
            draw = partial(draw_histogram, measure, values, _edges(measure, limits))
            uri = data_uri(svg([draw], HEIGHT).encode(), "image/svg+xml")
            ends = (known[:ENDS], known[::-1][:ENDS])
            unknown, constant = len(rows) - len(known), values[0] == values[-1]
            found.append(Distribution(measure, uri, *ends, unknown, constant))
    return found


def worst(rows: Iterable[Quality], count: int) -> dict[str, list[str]]:
    """Titles of the measures by which a clip is among the ``count`` worst, by its name.

    None is that is no worse than the median.
    """
    found: dict[str, list[str]] = {}
    everyone = list(rows)
    for measure in MEASURES:
        bad = {
            row.id: measure.worst(getattr(row, measure.name)) for row in _known(everyone, measure)
        }
        ranked = sorted(bad, key=lambda clip: bad[clip], reverse=True)
        usual = bad[ranked[len(ranked) // 2]] if ranked else 0.0
        for clip in ranked[:count]:
            if bad[clip] > usual:
                found.setdefault(clip, []).append(measure.title.lower())
    return found


def counts(rows: Sequence[Quality], out: Mapping[str, str]) -> dict[str, dict[str, Counter[str]]]:
    """Clips by split, of speakers, emotions and words, and how many of them are left out."""
    found: dict[str, dict[str, Counter[str]]] = {"Speakers": {}, "Emotions": {}, "Words": {}}
    for row in rows:
        place = "left out" if row.id in out else row.split
        names = ([row.speaker], [row.emotion], sorted(set(row.words.split())))
        for part, labels in zip(found.values(), names, strict=True):
            for label in filter(None, labels):
                part.setdefault(label, Counter())[place] += 1
    return {
        title: dict(sorted(part.items(), key=lambda item: (-item[1].total(), item[0])))
        for title, part in found.items()
        if part
    }


def places(rows: Sequence[Quality], out: Mapping[str, str]) -> Counter[str]:
    """Clips by split, and those left out, in the order of the columns."""
    found = Counter("left out" if row.id in out else row.split for row in rows)
    return Counter({name: found[name] for name in (*SPLITS, "left out") if found[name]})


def draw_histogram(
    measure: Measure, values: Sequence[float], edges: Sequence[float], axes: Axes
) -> None:
    """How many clips have which figure; limits are dashed lines."""
    whole = measure.digits == 0 and max(values) - min(values) < BINS
    low, high = math.floor(min(values)), math.ceil(max(values))
    even = min(BINS, 4 + math.isqrt(len(values)))
    bins = [place - 0.5 for place in range(low, high + 2)] if whole else even
    axes.hist(values, bins=bins, color=color(0), alpha=0.85)
    for edge in edges:
        axes.axvline(edge, color=color(4), lw=1.2, ls=(0, (3, 3)))
    axes.set_title(measure.title)
    axes.set_xlabel(measure.unit, loc="right")
    axes.set_ylabel("clips")
    axes.grid(alpha=0.2, color=INK, axis="y")
    axes.yaxis.set_major_locator(MaxNLocator(TICKS, integer=True))
    axes.xaxis.set_major_locator(MaxNLocator(TICKS, integer=measure.digits == 0))


def _known(rows: Iterable[Quality], measure: Measure) -> list[Quality]:
    return [row for row in rows if not math.isnan(getattr(row, measure.name))]


def _edges(measure: Measure, limits: Limits) -> list[float]:
    if measure.name == "offset" and limits.max_offset is not None:
        return [-limits.max_offset, limits.max_offset]
    least = getattr(limits, f"least_{measure.name}", None)
    return [] if least is None else [least]
