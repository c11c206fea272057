"""Figures of arms: over clips or seeds, against the base, and which is the best."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from talkface.metrics.table import NORMAL_95, Cell, column
from talkface.report.arms import Arm, same_clips

T_95 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
"""97.5 % points of Student's t for 1, 2, 3, … degrees of freedom."""

REFERENCES = ("truth", "copy")
"""Rows that do not depend on the arm."""

FEWEST = 2


def over_seeds(values: Mapping[object, float], clips: Mapping[str, float] | None = None) -> Cell:
    r"""The mean over seeds; $\pm t_{0.975, n - 1} s / \sqrt n$, trainings being the sample.

    Args:
        values: The figure of every seed; those that are not finite are left out.
        clips: Values by clip, to be kept beside it.
    """
    known = [value for value in values.values() if math.isfinite(value)]
    if not known:
        return Cell(math.nan, math.nan, clips or {})
    margin = math.nan
    if len(known) >= FEWEST:
        freedom = len(known) - 1
        factor = T_95[freedom - 1] if freedom <= len(T_95) else NORMAL_95
        margin = factor * stdev(known) / math.sqrt(len(known))
    return Cell(fmean(known), margin, clips or {})


def figure(arm: Arm, row: str, metric: str) -> Cell:
    """A figure of an arm: that of its only test, or the mean over seeds with its interval."""
    cells = {seed: table.get(row, metric) for seed, table in arm.tables.items()}
    if len(cells) == 1:
        return next(iter(cells.values()))
    return over_seeds(
        {seed: cell.value for seed, cell in cells.items()}, _by_clip(arm, row, metric)
    )


def _by_clip(arm: Arm, row: str, metric: str) -> dict[str, float]:
    """The mean over seeds of every clip that all of them have a figure of."""
    each = [table.get(row, metric).clips for table in arm.tables.values()]
    clips = [clip for clip in each[0] if all(clip in other for other in each)] if each else []
    return {clip: sum(one[clip] for one in each) / len(each) for clip in clips}


@dataclass(frozen=True)
class Difference:
    """A figure of an arm less that of the base.

    Attributes:
        clips: Mean of the differences clip by clip, with its interval over clips.
        seeds: The same seed by seed, where both have at least two seeds in common.
    """

    clips: Cell
    seeds: Cell | None = None

    @property
    def count(self) -> int:
        """Clips that are compared."""
        return sum(not math.isnan(value) for value in self.clips.clips.values())

    @property
    def clear(self) -> bool:
        """Whether every interval leaves out 0."""
        cells = [self.clips, *([self.seeds] if self.seeds else [])]
        return all(abs(cell.value) > cell.margin for cell in cells)

    def verdict(self, metric: str) -> str:
        """``better``, ``worse``, ``other`` where neither is defined; nothing if unclear or tiny.

        Tiny is what the decimals of the metric do not show.
        """
        direction = column(metric).better
        if not self.clear or round(self.clips.value, column(metric).decimals) == 0:
            return ""
        if direction == 0:
            return "other"
        return "better" if direction * self.clips.value > 0 else "worse"


def difference(arm: Arm, base: Arm, row: str, metric: str) -> Difference:
    """Compare an arm with the base, paired over the clips that both have.

    A figure that is not kept by clip, such as FID, has a difference without an interval.
    """
    one, other = _by_clip(arm, row, metric), _by_clip(base, row, metric)
    paired = {clip: value - other[clip] for clip, value in one.items() if clip in other}
    over_clips = Cell.mean(paired)
    if math.isnan(over_clips.value):
        over_clips = Cell(figure(arm, row, metric).value - figure(base, row, metric).value)
    seeds = {
        seed: table.get(row, metric).value - base.tables[seed].get(row, metric).value
        for seed, table in arm.tables.items()
        if seed in base.tables
    }
    by_seed = over_seeds(seeds)
    return Difference(over_clips, None if math.isnan(by_seed.margin) else by_seed)


def best(arms: Sequence[Arm], row: str, metric: str) -> set[str]:
    """Names of the arms whose figure is the best, as far as its decimals tell.

    None where there is nothing to choose from, or the tests are of different clips.
    """
    known = {arm.name: figure(arm, row, metric).value for arm in arms}
    goodness = {
        name: round(_goodness(value, metric, arms[0]), column(metric).decimals)
        for name, value in known.items()
        if math.isfinite(value)
    }
    ranked = {name: value for name, value in goodness.items() if not math.isnan(value)}
    if len(ranked) < FEWEST or not same_clips(arms):
        return set()
    most = max(ranked.values())
    return {name for name, value in ranked.items() if value == most}


def _goodness(value: float, metric: str, arm: Arm) -> float:
    """A number that is larger where the figure is better."""
    direction = column(metric).better
    rounded = round(value, column(metric).decimals)
    if direction:
        return direction * rounded
    return -abs(rounded - round(figure(arm, "truth", metric).value, column(metric).decimals))


def rows_of(arms: Sequence[Arm], chosen: Sequence[str] = ()) -> list[str]:
    """Rows that depend on the arm, as far as chosen."""
    tables = [table for arm in arms for table in arm.tables.values()]
    known = dict.fromkeys(row for table in tables for row in table.rows())
    return [row for row in known if row not in REFERENCES and (not chosen or row in chosen)]
