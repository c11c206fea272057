import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from talkface.metrics.holes import Holes, filled, hole_mask, holes
from tests import fakes

SIDE = 64
CENTRES = ((10, 12), (20, 50), (40, 30), (44, 8))


def plane(level: float = 0.5, side: int = SIDE) -> Tensor:
    return torch.full((1, 3, side, side), level)


def face() -> Tensor:
    """Four frames of a face with dark pupils and an opening mouth, as the tests of data have it."""
    points = fakes.landmarks(torch.linspace(0.1, 0.9, 4), side=SIDE)
    return fakes.paint(points, SIDE, fakes.SKIN["anna"]) / 255


def discs(
    radius: float, side: int = SIDE, centres: tuple[tuple[int, int], ...] = CENTRES
) -> Tensor:
    """Where discs lie."""
    axis = torch.arange(side)
    inside = [(axis[:, None] - y).square() + (axis - x).square() <= radius**2 for y, x in centres]
    return torch.stack(inside).any(0)


def spoiled(truth: Tensor, mask: Tensor, change: float) -> Tensor:
    return torch.where(mask, (truth + change).clamp(0, 1), truth)


def per_mille(preds: Tensor, target: Tensor) -> float:
    return float(holes(preds, target).mean())


@pytest.mark.parametrize("change", [-0.3, -0.12, 0.12, 0.3])
@pytest.mark.parametrize("radius", [0, 1], ids=["points", "crosses"])
def test_the_pixels_of_small_holes_are_counted_exactly(radius: int, change: float) -> None:
    truth, mask = plane().expand(2, -1, -1, -1), discs(radius)
    frames = spoiled(truth, mask, change)
    frames[1] = truth[1]
    assert torch.equal(hole_mask(frames, truth)[0], mask)
    expected = 1000 * len(CENTRES) * (1, 5)[radius] / SIDE**2
    assert holes(frames, truth).tolist() == pytest.approx([expected, 0])


@pytest.mark.parametrize("change", [-0.3, 0.3])
def test_spots_as_wide_as_a_sixteenth_of_the_side_count_and_wider_ones_do_not(
    change: float,
) -> None:
    truth = plane()
    for width, counted in ((4, True), (5, False)):
        mask = torch.zeros(SIDE, SIDE, dtype=torch.bool)
        mask[20 : 20 + width, 30 : 30 + width] = True
        found = hole_mask(spoiled(truth, mask, change), truth)[0]
        assert torch.equal(found, mask & counted)


@pytest.mark.parametrize("radius", [2, 3, 4.5, 7])
def test_nothing_of_a_large_spot_counts(radius: float) -> None:
    mask = discs(radius, centres=((30, 30),))
    assert per_mille(spoiled(plane(), mask, -0.3), plane()) == 0


@pytest.mark.parametrize(("down", "right"), [(0, 1), (1, 0), (1, 1), (1, -1)])
def test_thin_lines_are_no_holes_unless_they_are_short(down: int, right: int) -> None:
    for length, counted in ((4, True), (5, False)):
        mask = torch.zeros(SIDE, SIDE, dtype=torch.bool)
        for step in range(length):
            mask[30 + step * down, 30 + step * right] = True
        found = hole_mask(spoiled(plane(), mask, -0.3), plane())[0]
        assert torch.equal(found, mask & counted)


def test_holes_scale_with_the_picture() -> None:
    for side, radius in ((32, 0), (64, 1), (128, 3), (256, 7)):
        centre = ((side // 2, side // 2),)
        mask, wide = (discs(r, side, centre) for r in (radius, radius + 1))
        truth = plane(side=side)
        assert torch.equal(hole_mask(spoiled(truth, mask, 0.2), truth)[0], mask)
        assert not hole_mask(spoiled(truth, wide, 0.2), truth).any()


def test_shallow_spots_are_no_holes() -> None:
    assert per_mille(spoiled(plane(), discs(1), 0.09), plane()) == 0
    assert per_mille(spoiled(plane(), discs(1), 0.11), plane()) > 0


def test_what_the_truth_shows_nearby_is_no_hole() -> None:
    truth = spoiled(plane(), discs(1, centres=((30, 30),)), -0.3)
    for distance, counted in ((1, False), (2, False), (5, True)):
        moved = truth.roll((distance, -distance), (2, 3))
        assert bool(hole_mask(moved, truth).any()) == counted
    assert per_mille(plane(), truth) == 0
    brighter = spoiled(plane(), discs(1, centres=((30, 30),)), 0.3)
    assert per_mille(brighter, truth) > 0


def test_a_face_that_is_displaced_softer_or_noisy_has_no_holes() -> None:
    truth = face()
    moved_face = F.pad(truth, (1, 0, 1, 0), mode="replicate")[:, :, :-1, :-1]
    noise = torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    frames = {
        "itself": truth,
        "displaced": moved_face,
        "soft": F.avg_pool2d(truth, 5, 1, 2, count_include_pad=False),
        "noisy": (truth + 5 / 255 * noise).clamp(0, 1),
        "paler": truth * 0.8 + 0.1,
        "copy": truth[:1].expand_as(truth),
    }
    assert {name: per_mille(each, truth) for name, each in frames.items()} == dict.fromkeys(
        frames, 0.0
    )
    assert per_mille(spoiled(truth, discs(1), -0.3), truth) > 2


@pytest.mark.parametrize("reach", [1, 2, 4])
def test_filling_is_that_of_scikit_image(reach: int) -> None:
    morphology = pytest.importorskip("skimage.morphology")
    noise = torch.randn(1, 1, 40, 52, generator=torch.Generator().manual_seed(0))
    grey = (128 + 60 * F.avg_pool2d(noise, 3, stride=1)[0, 0]).round()
    line = torch.eye(2 * reach + 1).int()
    upright = torch.zeros_like(line)
    upright[:, reach] = 1
    image = grey.double().numpy()
    expected = torch.stack(
        [
            torch.from_numpy(morphology.closing(image, footprint.numpy(), mode="ignore"))
            for footprint in (line, line.flip(1), upright, upright.T)
        ]
    ).amin(0)
    for _ in range(reach):
        shrunk = morphology.erosion(expected.numpy(), torch.ones(3, 3).numpy(), mode="ignore")
        expected = torch.from_numpy(shrunk).maximum(grey.double())
    torch.testing.assert_close(filled(grey[None], reach)[0].double(), expected)


def test_frames_are_measured_alike_alone_and_together() -> None:
    truth = face().repeat(10, 1, 1, 1)
    frames = spoiled(truth, discs(1), 0.3)
    together = holes(frames, truth)
    torch.testing.assert_close(together[-1:], holes(frames[-1:], truth[-1:]))
    assert len(together) == 40


def test_the_metric_averages_over_frames_and_not_over_batches() -> None:
    truth = plane().repeat(4, 1, 1, 1)
    frames = spoiled(truth, discs(1), -0.3)
    frames[1:] = truth[1:]
    metric = Holes()
    metric.update(frames[:1], truth[:1])
    metric.update(frames[1:], truth[1:])
    torch.testing.assert_close(metric.compute(), holes(frames, truth).mean())
    assert metric.compute() > 0
    assert not metric.higher_is_better
