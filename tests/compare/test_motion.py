import math

import pytest
import torch

from talkface.compare.motion import Pair, motion_cells

STEPS = torch.arange(60.0)
TRUE = torch.sin(STEPS) + torch.sin(0.37 * STEPS)


def test_a_mouth_that_is_late_and_half_as_lively_is_found_out() -> None:
    late = torch.cat([TRUE[:1].expand(2), TRUE[:-2]])
    pairs = {"one": Pair(late / 2 + 3, TRUE), "two": Pair(late / 2, TRUE)}
    cells, curve = motion_cells(pairs, {"one": Pair(TRUE, TRUE)})
    assert cells["mouth_peak"].value == 2
    assert curve[5 + 2] == pytest.approx(1, abs=0.01)
    assert cells["mouth_gain"].value == pytest.approx(0.5, abs=0.03)
    assert cells["mouth_r"].value == pytest.approx(curve[5])
    assert set(cells["mouth_r"].clips) == {"one", "two"}
    assert cells["eye_r"].value == pytest.approx(1)
    assert cells["eye_gain"].value == pytest.approx(1)


def test_figures_pool_frames_and_do_not_average_clips() -> None:
    loud = Pair(10 * TRUE, 10 * TRUE)
    quiet = Pair(-TRUE, TRUE)
    cells, _ = motion_cells({"loud": loud, "quiet": quiet}, {"loud": loud})
    assert cells["mouth_r"].value == pytest.approx((100 - 1) / (100 + 1), abs=1e-4)
    assert cells["mouth_r"].clips["quiet"] == pytest.approx(-1)
    assert math.isfinite(cells["mouth_r"].margin)


def test_a_frozen_mouth_has_no_correlation_and_no_gain_and_unknown_frames_do_not_count() -> None:
    frozen, gaps = torch.full_like(TRUE, 0.3), TRUE.clone()
    gaps[5:9] = torch.nan
    cells, _ = motion_cells({"one": Pair(frozen, TRUE)}, {"one": Pair(gaps, TRUE)})
    assert math.isnan(cells["mouth_r"].value)
    assert cells["mouth_gain"].value == pytest.approx(0, abs=1e-5)
    assert math.isnan(cells["mouth_peak"].value)
    assert cells["eye_r"].value == pytest.approx(1)
