import math

import pytest
import torch
from torch import Tensor

from talkface.metrics.head import corner_distance, head_place, movement
from talkface.metrics.opening import Agreement, MotionAgreement, openings
from tests import fakes

STEPS = torch.arange(60.0)
NOD = torch.sin(STEPS / 3)
TURN = torch.sin(STEPS / 3 + math.pi / 2)


def still() -> Tensor:
    return fakes.landmarks(torch.zeros(1), 64).expand(60, 68, 2).clone()


def moved(x: Tensor, y: Tensor) -> Tensor:
    return still() + torch.stack([x, y], 1)[:, None]


def agree(shown: Tensor, true: Tensor) -> Agreement:
    metric = MotionAgreement()
    metric.update(head_place(shown), head_place(true), torch.ones(60, dtype=torch.bool))
    result: Agreement = metric.compute()
    return result


def test_a_frozen_head_has_no_gain() -> None:
    result = agree(still(), moved(TURN, NOD))
    assert result.r.isnan()
    assert result.gain.item() == pytest.approx(0, abs=1e-6)


def test_a_head_in_another_place_moves_as_the_true_one() -> None:
    result = agree(moved(TURN, NOD) + 5, moved(TURN, NOD))
    assert result.r.item() == pytest.approx(1)
    assert result.gain.item() == pytest.approx(1)
    assert result.error.item() == pytest.approx(50**0.5, rel=1e-5)


def test_a_head_that_nods_where_the_true_one_sways_does_not_follow_it() -> None:
    upright, level = moved(0 * NOD, NOD), moved(NOD, 0 * NOD)
    assert agree(upright, level).r.item() == pytest.approx(0, abs=1e-6)
    assert agree(upright, level).gain.item() == pytest.approx(1)


def test_a_head_that_only_sways_follows_half_of_one_that_also_nods() -> None:
    result = agree(moved(TURN, 0 * NOD), moved(TURN, TURN))
    assert result.r.item() == pytest.approx(0.5**0.5, rel=1e-5)
    assert result.gain.item() == pytest.approx(0.5**0.5, rel=1e-5)


def test_a_tilt_is_seen_though_nothing_else_moves() -> None:
    face = still()
    face[:, 45, 1] += NOD
    face[:, 36, 1] -= NOD
    assert agree(face, face).r.item() == pytest.approx(1)
    assert head_place(face)[:, :2].std(0).max() == 0


def test_lids_that_pull_at_both_corners_and_a_mouth_do_not_move_a_head() -> None:
    face = still()
    face[:, 36:60] += NOD[:, None, None]
    torch.testing.assert_close(head_place(face), head_place(still()))


def test_frames_without_landmarks_are_left_out_and_not_counted() -> None:
    shown, true = moved(TURN, NOD), moved(TURN, NOD)
    shown[5:9], true[20, 30, 1] = torch.nan, torch.nan
    result = agree(shown, true)
    assert result.r.item() == pytest.approx(1)
    assert result.frames.item() == 60 - 5


def test_the_unit_is_one_for_a_clip_and_frames_without_landmarks_do_not_count() -> None:
    face = torch.zeros(3, 68, 2)
    face[0, 45], face[1, 45] = torch.tensor([3.0, 4.0]), torch.tensor([0.0, 15.0])
    face[2] = torch.nan
    assert corner_distance(face).item() == 10
    assert corner_distance(face[2:]).isnan()


def test_movement_is_openings_and_the_place_of_the_head() -> None:
    face = moved(TURN, NOD)
    for got, expected in zip(movement(face), (*openings(face), head_place(face)), strict=True):
        torch.testing.assert_close(got, expected)
