import math

import pytest
import torch
from torch import Tensor

from talkface.losses.masks import region_weights

SIDE = 64


def face() -> Tensor:
    """A mouth of 20 x 8 about (40, 44), eyes 8 wide about (10, 10) and (50, 10)."""
    points = torch.zeros(1, 68, 2)
    points[:, 48:68] = torch.tensor([40.0, 44.0])
    points[:, 48, 0], points[:, 54, 0] = 30.0, 50.0
    points[:, 51, 1], points[:, 57, 1] = 40.0, 48.0
    for first, x in ((36, 10.0), (42, 50.0)):
        points[:, first : first + 6] = torch.tensor([x, 10.0])
        points[:, first, 0], points[:, first + 3, 0] = x - 4, x + 4
    return points


def weights(points: Tensor, mouth: float = 5.0, eyes: float = 3.0) -> Tensor:
    return region_weights(points, SIDE, mouth, eyes)[0, 0]


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (40, 44, 5.0),  # centre of the mouth
        (55, 44, 1 + 4 / math.e),  # 0.75 of its width to the right
        (25, 44, 1 + 4 / math.e),
        (40, 53, 1 + 4 / math.e),  # 0.45 of its width down
        (10, 10, 3.0),  # centre of an eye
        (50, 10, 3.0),
        (16, 10, 1 + 2 / math.e),  # 0.75 of its width
        (10, 14, 1 + 2 / math.e),  # 0.5 of its width
        (10, 44, 1.0),
        (30, 10, 1.0),
        (63, 63, 1.0),
    ],
)
def test_weights_are_those_of_the_formula(x: int, y: int, expected: float) -> None:
    assert weights(face())[y, x].item() == pytest.approx(expected, abs=1e-4)


def test_a_mouth_that_opens_wide_weighs_more_below() -> None:
    wide = face()
    wide[:, 51, 1], wide[:, 57, 1] = 34.0, 54.0
    assert weights(wide)[62, 40].item() == pytest.approx(1 + 4 / math.e, abs=1e-4)
    assert weights(face())[62, 40].item() == pytest.approx(1, abs=1e-4)


def test_weights_are_flat_inside_and_steep_at_the_rim() -> None:
    row = weights(face())[44, 40:63]
    assert row[5] > 1 + 4 * 0.98
    assert row[20] < 1 + 4 * 0.05


@pytest.mark.parametrize(("mouth", "eyes"), [(1.0, 1.0), (1.0, 3.0), (5.0, 1.0)])
def test_a_region_of_weight_one_is_like_the_rest(mouth: float, eyes: float) -> None:
    found = weights(face(), mouth, eyes)
    assert found[44, 40].item() == pytest.approx(mouth)
    assert found[10, 10].item() == pytest.approx(eyes)
    assert (found == 1).all() == (mouth == eyes == 1)


@pytest.mark.parametrize(
    ("unknown", "mouth", "eye"), [(60, 1.0, 3.0), (38, 5.0, 1.0), (slice(None), 1.0, 1.0)]
)
def test_a_region_with_unknown_points_weighs_nothing_extra(
    unknown: int | slice, mouth: float, eye: float
) -> None:
    points = face()
    points[:, unknown] = torch.nan
    found = weights(points)
    assert found.isfinite().all()
    assert found[44, 40].item() == pytest.approx(mouth)
    assert found[10, 10].item() == pytest.approx(eye)


def test_every_picture_has_the_weights_of_its_own_face() -> None:
    both = torch.cat([face(), face() + torch.tensor([0.0, 6.0])])
    found = region_weights(both, SIDE, 5.0, 3.0)
    assert found.shape == (2, 1, SIDE, SIDE)
    torch.testing.assert_close(found[1, 0, 6:], found[0, 0, :-6])


def test_a_mouth_of_no_size_does_not_break_the_weights() -> None:
    points = face()
    points[:, 48:68] = torch.tensor([40.25, 44.25])
    assert weights(points).isfinite().all()
