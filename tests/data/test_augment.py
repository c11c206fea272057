import pytest
import torch

from talkface.data.augment import Augment, augment
from tests import fakes

STILL = Augment(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def clips(count: int = 3, side: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    """``count`` times the same clip of four frames, in [-1, 1], with its landmarks."""
    opening = torch.tensor([0.1, 0.4, 0.7, 1.0])
    points = fakes.landmarks(opening, side)
    frames = fakes.paint(points, side, fakes.SKIN["anna"]).float() / 127.5 - 1
    return frames.repeat(count, 1, 1, 1, 1), points.repeat(count, 1, 1, 1)


def test_no_strength_no_change() -> None:
    frames, points = clips()
    changed, moved = augment(frames, points, STILL)
    torch.testing.assert_close(changed, frames, atol=1e-5, rtol=0)
    assert torch.equal(moved, points)


def test_a_draw_holds_for_a_whole_clip_but_differs_between_clips() -> None:
    frames, points = clips()
    still = frames[:, :1].expand_as(frames)
    changed, moved = augment(still, points[:, :1].expand_as(points), Augment())
    torch.testing.assert_close(changed, changed[:, :1].expand_as(changed))
    torch.testing.assert_close(moved, moved[:, :1].expand_as(moved))
    assert (changed[0] - changed[1]).abs().mean() > 0.01
    assert (moved[0] - moved[1]).abs().mean() > 0.1


def test_colour_keeps_geometry_and_range() -> None:
    frames, points = clips()
    changed, moved = augment(frames, points, Augment(0.9, 0.9, 0.9, 0.5, 0.0, 0.0, 0.0))
    assert torch.equal(moved, points)
    assert changed.min() >= -1
    assert changed.max() <= 1


def test_saturation_and_hue_keep_the_luma() -> None:
    frames, points = clips()
    changed, _ = augment(frames * 0.2, points, Augment(0.0, 0.0, 0.5, 0.5, 0.0, 0.0, 0.0))
    luma = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    torch.testing.assert_close(
        (changed * luma).sum(2), (frames * 0.2 * luma).sum(2), atol=2e-3, rtol=0
    )
    assert (changed - frames * 0.2).abs().mean() > 0.01


def test_brightness_is_a_factor() -> None:
    white, points = torch.zeros(2, 4, 3, 8, 8), torch.zeros(2, 4, 68, 2)
    changed, _ = augment(white, points, Augment(0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0))
    factors = (changed + 1).mean((1, 2, 3, 4))
    assert (factors - 1).abs().max() <= 0.5
    assert factors[0] != factors[1]


def test_landmarks_move_with_the_picture() -> None:
    dots, points = torch.full((6, 1, 3, 65, 65), -1.0), torch.full((6, 1, 68, 2), torch.nan)
    x, y = 40, 22
    dots[:, :, :, y - 1 : y + 2, x - 1 : x + 2] = 1
    points[:, :, 0] = torch.tensor([x, y])
    changed, moved = augment(dots, points, Augment(0.0, 0.0, 0.0, 0.0, 20.0, 0.1, 0.2))
    mass = changed[:, 0, 0] + 1
    at = torch.arange(65.0)
    total = mass.sum((1, 2))
    centre = torch.stack([(mass.sum(1) * at).sum(1), (mass.sum(2) * at).sum(1)], 1) / total[:, None]
    torch.testing.assert_close(moved[:, 0, 0], centre, atol=0.15, rtol=0)
    assert (moved[:, 0, 0] - points[:, 0, 0]).norm(dim=1).max() > 2
    assert moved[:, :, 1:].isnan().all()


@pytest.mark.parametrize(("name", "value"), [("hue", 0.6), ("contrast", -0.1), ("scale", 1.5)])
def test_strengths_out_of_range_are_named(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"data\.augment\.{name}` is {value}"):
        Augment(**{name: value})
