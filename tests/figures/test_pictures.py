import pytest
import torch

from talkface.figures.pictures import (
    MARK,
    OPACITY,
    Box,
    box_around,
    closeup,
    difference,
    marked,
    mouth_box,
    tile,
)
from tests import fakes


def test_differences_are_absolute_averaged_over_channels_and_enlarged_by_the_gain() -> None:
    target = torch.full((3, 2, 2), 100, dtype=torch.uint8)
    preds = target.clone()
    preds[:, 0, 0] = torch.tensor([130, 70, 100])
    preds[:, 1, 1] = 0
    shown = difference(preds, target, gain=2.0)
    assert shown.tolist() == [[[40, 0], [0, 200]]] * 3
    assert torch.equal(difference(target, preds, gain=2.0), shown)
    assert difference(preds, target, gain=4.0)[0].tolist() == [[80, 0], [0, 255]]


@pytest.mark.parametrize(("side", "shown"), [(32, 128), (64, 128), (100, 200), (256, 256)])
def test_frames_are_enlarged_by_a_whole_factor(side: int, shown: int) -> None:
    frame = torch.full((3, side, side), 77, dtype=torch.uint8)
    assert torch.equal(tile(frame), torch.full((3, shown, shown), 77, dtype=torch.uint8))
    assert closeup(frame, Box(3, 4, 10)).shape == (3, shown, shown)


def test_a_close_up_can_show_every_pixel_as_a_square() -> None:
    frame = torch.arange(64, dtype=torch.uint8).view(1, 8, 8).expand(3, 8, 8)
    shown = closeup(frame, Box(2, 4, 2), smooth=False)
    squares = frame[:, 2:4, 4:6].repeat_interleave(64, 1).repeat_interleave(64, 2)
    assert torch.equal(shown, squares)


@pytest.mark.parametrize(
    ("x", "y", "box"),
    [(9.5, 11.5, (10, 8, 4)), (0.0, 31.0, (28, 0, 4)), (16.0, 16.0, (14, 14, 4))],
)
def test_a_box_surrounds_its_point_and_stays_inside(
    x: float, y: float, box: tuple[int, int, int]
) -> None:
    assert box_around(x, y, 4, 32) == box


def test_a_box_is_no_larger_than_its_frame() -> None:
    assert box_around(3.0, 3.0, 40, 32) == (0, 0, 32)


def test_the_box_of_the_mouth_is_centred_on_the_lips() -> None:
    points = fakes.landmarks(torch.tensor([0.8]), 64)[0]
    box = mouth_box(points, 64)
    low, high = points[48:68].amin(0), points[48:68].amax(0)
    assert box.side == round(1.5 * float(high[0] - low[0]))
    middle = (low + high) / 2 + 0.5
    assert box.left + box.side / 2 == pytest.approx(float(middle[0]), abs=0.5)
    assert box.top + box.side / 2 == pytest.approx(float(middle[1]), abs=0.5)


def test_only_marked_pixels_have_a_colour() -> None:
    frame = torch.tensor([90, 60, 30], dtype=torch.uint8)[:, None, None].expand(3, 2, 2)
    mask = torch.tensor([[True, False], [False, False]])
    shown = marked(frame, mask)
    assert (shown[:, ~mask] == 60).all()
    mixed = [round(60 + OPACITY * (level - 60)) for level in MARK]
    assert shown[:, 0, 0].tolist() == mixed
