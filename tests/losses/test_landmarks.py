import pytest
import torch
from torch import Tensor

from talkface.losses import LandmarkError
from tests.losses.test_objective import SIDE, rendering, window


def error(points: Tensor, known: Tensor) -> Tensor:
    value: Tensor = LandmarkError()(rendering(points=points), window(driving_landmarks=known))
    return value


def test_equal_points_are_no_error() -> None:
    points = window().driving_landmarks
    assert error(points, points).item() == 0


@pytest.mark.parametrize("side", [8, 32])
def test_it_is_the_mean_over_known_coordinates_in_hundredths_of_the_side(side: int) -> None:
    known = torch.full((2, 3, 68, 2), torch.nan)
    known[0, 1, 30] = torch.tensor([4.0, 5.0])
    known[1, 2, 60] = torch.tensor([1.0, 1.0])
    points = torch.full((2, 3, 68, 2), 77.0)
    points[0, 1, 30] = torch.tensor([5.0, 2.0])
    points[1, 2, 60] = torch.tensor([1.0, 3.0])
    driving = torch.zeros(2, 3, 3, side, side)
    value = LandmarkError()(
        rendering(points=points), window(driving_landmarks=known, driving=driving)
    )
    assert value.item() == pytest.approx(100 / side * (1 + 3 + 0 + 2) / 4)


def test_unknown_points_take_no_gradient_and_known_ones_are_pulled_near() -> None:
    known = window().driving_landmarks.clone()
    known[:, :, 40:] = torch.nan
    points = (known + 1).nan_to_num(3.0).requires_grad_()
    error(points, known).backward()
    assert points.grad is not None
    assert not points.grad[:, :, 40:].any()
    expected = 100 / SIDE / (2 * 3 * 40 * 2)
    torch.testing.assert_close(points.grad[:, :, :40], torch.full((2, 3, 40, 2), expected))


def test_nothing_known_is_no_error_and_no_gradient() -> None:
    points = torch.rand(2, 3, 68, 2).requires_grad_()
    value = error(points, torch.full((2, 3, 68, 2), torch.nan))
    value.backward()
    assert value.item() == 0
    assert points.grad is not None
    assert not points.grad.any()


def test_it_is_the_driving_frames_that_count() -> None:
    driven = window().driving_landmarks
    value = LandmarkError()(rendering(points=driven), window(landmarks=driven + 3))
    assert value.item() == 0


def test_it_can_be_learned_before_anything_is_rendered() -> None:
    assert not LandmarkError.needs_frames
