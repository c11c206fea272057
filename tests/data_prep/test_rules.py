import math

import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from data_prep.rules import Rules, find_flaws, head_yaw
from tests.faces.drawn import face_points, placed

SIZE = (288, 360)


def turned(degrees: float) -> Float[Tensor, "68 2"]:
    """A face of 100 pixels whose head is turned to the side; its nose sticks out."""
    points = face_points() - 0.5
    depth = torch.zeros(68)
    depth[27:31] = torch.linspace(0.05, 0.22, 4)
    angle = math.radians(degrees)
    x = points[:, 0] * math.cos(angle) + depth * math.sin(angle)
    return placed(torch.stack((x, points[:, 1]), dim=1), corner=(180.0, 140.0), degrees=10)


@pytest.mark.parametrize("degrees", [-70, -40, 0, 20, 65])
def test_the_turn_of_a_head_is_measured_to_either_side(degrees: float) -> None:
    assert head_yaw(turned(degrees)[None]).item() == pytest.approx(abs(degrees), abs=4)


def test_a_face_as_usual_has_no_flaw() -> None:
    assert find_flaws(placed(face_points()).expand(30, 68, 2), SIZE, Rules()) == []


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        (placed(face_points(), size=20), r"too small \(8\.\d pixels .* at least 12 by `--least-f"),
        (turned(70), r"turned away \(by (6|7)\d degrees, at most 60 by `--most-yaw`\)"),
        (placed(face_points(), corner=(-52, 0)), r"cut off \(\d\d % of its points are outside"),
        (torch.full((68, 2), torch.nan), "No face in frames 4-9 of 30"),
    ],
)
def test_every_flaw_is_told_with_its_numbers(points: Float[Tensor, "68 2"], reason: str) -> None:
    clip = placed(face_points()).repeat(30, 1, 1)
    clip[4:10] = points
    (flaw,) = find_flaws(clip, SIZE, Rules())
    assert flaw.frames == range(4, 10)
    assert "in frames 4-9 of 30" in flaw.reason
    with pytest.raises(ValueError, match=reason):
        raise ValueError(flaw.reason)
    clip[7] = placed(face_points())
    assert find_flaws(clip, SIZE, Rules()) == []


def test_bounds_can_be_moved() -> None:
    clip = turned(40).expand(20, 68, 2)
    assert len(find_flaws(clip, SIZE, Rules(least_face=60, most_yaw=30))) == 2
    assert Rules(gaps="split", most_yaw=30).changed == {"gaps": "split", "most_yaw": 30}
