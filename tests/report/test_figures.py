import math
from pathlib import Path

import pytest

from talkface.metrics.table import Cell
from talkface.report.arms import Arm
from talkface.report.figures import T_95, Difference, best, difference, figure, over_seeds
from talkface.report.runs import read_run
from tests.report.fakes import Figures, psnr, write_run


def arm(root: Path, name: str, *seeds: Figures) -> Arm:
    runs = [write_run(root / name / f"seed{k}", one, seed=k) for k, one in enumerate(seeds)]
    return Arm(name, [read_run(run) for run in runs])


def test_one_seed_has_the_interval_of_its_test(tmp_path: Path) -> None:
    cell = figure(arm(tmp_path, "base", psnr(20, 22, 24)), "audio", "psnr")
    assert cell.value == pytest.approx(22)
    assert cell.margin == pytest.approx(1.96 * 2 / math.sqrt(3))


def test_several_seeds_have_students_interval_over_their_means(tmp_path: Path) -> None:
    cell = figure(arm(tmp_path, "base", psnr(20, 22), psnr(22, 24), psnr(24, 26)), "audio", "psnr")
    assert cell.value == pytest.approx(23)
    assert cell.margin == pytest.approx(4.303 * 2 / math.sqrt(3))
    assert cell.clips == {"a": 22, "b": 24}


def test_students_points_are_those_of_scipy() -> None:
    special = pytest.importorskip("scipy.special")
    expected = [special.stdtrit(freedom, 0.975) for freedom in range(1, len(T_95) + 1)]
    assert pytest.approx(expected, abs=5e-4) == T_95


def test_seeds_without_a_figure_are_left_out() -> None:
    assert over_seeds({0: 1.0, 1: math.nan, 2: math.inf}).value == 1.0
    assert math.isnan(over_seeds({0: 1.0, 1: math.nan}).margin)
    assert math.isnan(over_seeds({0: math.nan}).value)


def test_a_difference_is_paired_over_the_clips_that_both_have(tmp_path: Path) -> None:
    base = arm(tmp_path, "base", psnr(20, 30, 40, 99))
    other = arm(tmp_path, "other", psnr(21, 33, 42))
    found = difference(other, base, "audio", "psnr")
    assert found.clips.value == pytest.approx(2)
    assert found.clips.margin == pytest.approx(1.96 * 1 / math.sqrt(3))
    assert (found.count, found.seeds, found.verdict("psnr")) == (3, None, "better")


def test_a_difference_of_seeds_is_paired_by_clip_and_by_seed(tmp_path: Path) -> None:
    base = arm(tmp_path, "base", psnr(20, 30), psnr(24, 34))
    other = arm(tmp_path, "other", psnr(21, 32), psnr(26, 35), psnr(0, 0))
    found = difference(Arm("other", other.runs[:2]), base, "audio", "psnr")
    assert found.clips.clips == pytest.approx({"a": 1.5, "b": 1.5})
    assert found.seeds is not None
    assert found.seeds.value == pytest.approx(1.5)
    third = difference(other, base, "audio", "psnr").seeds
    assert third is not None
    assert third.margin == pytest.approx(found.seeds.margin)


def test_a_difference_is_clear_only_if_every_interval_leaves_out_zero() -> None:
    sure, unsure = Cell(1.0, 0.9), Cell(1.0, 1.1)
    assert Difference(sure).clear
    assert Difference(sure, Cell(-1.0, 0.5)).clear
    assert not Difference(unsure).clear
    assert not Difference(sure, unsure).clear
    assert not Difference(Cell(1.0)).clear


@pytest.mark.parametrize(
    ("metric", "value", "verdict"),
    [
        ("psnr", 1.0, "better"),
        ("psnr", -1.0, "worse"),
        ("holes", 1.0, "worse"),
        ("holes", -1.0, "better"),
        ("mouth_gain", 1.0, "other"),
        ("psnr", 0.004, ""),
    ],
)
def test_a_verdict_follows_the_direction_of_the_metric(
    metric: str, value: float, verdict: str
) -> None:
    assert Difference(Cell(value, 1e-6)).verdict(metric) == verdict


def test_a_figure_that_is_not_kept_by_clip_has_a_difference_without_interval(
    tmp_path: Path,
) -> None:
    base, other = (arm(tmp_path, name, psnr(20, 22)) for name in ("base", "other"))
    for one, value in ((base, 10.0), (other, 7.0)):
        one.tables[0].set("audio", "fid", Cell(value))
    found = difference(other, base, "audio", "fid")
    assert found.clips.value == -3
    assert found.verdict("fid") == ""


@pytest.mark.parametrize(
    ("metric", "values", "winners"),
    [
        ("psnr", {"x": 20.0, "y": 21.0}, {"y"}),
        ("psnr", {"x": 21.001, "y": 21.002}, {"x", "y"}),
        ("holes", {"x": 0.2, "y": 0.1}, {"y"}),
        ("mouth_gain", {"x": 0.7, "y": 1.4}, {"x"}),
        ("psnr", {"x": 20.0, "y": math.nan}, set()),
    ],
)
def test_the_best_is_found_by_direction_or_by_nearness_to_the_truth(
    tmp_path: Path, metric: str, values: dict[str, float], winners: set[str]
) -> None:
    arms = [
        arm(tmp_path, name, {"audio": {metric: {"a": value}}, "truth": {metric: {"a": 0.95}}})
        for name, value in values.items()
    ]
    assert best(arms, "audio", metric) == winners


def test_tests_of_different_clips_have_no_best(tmp_path: Path) -> None:
    arms = [arm(tmp_path, "x", psnr(20, 21)), arm(tmp_path, "y", psnr(25))]
    assert best(arms, "audio", "psnr") == set()
