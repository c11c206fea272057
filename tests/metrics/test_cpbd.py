import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from talkface.metrics.cpbd import CPBD, cpbd, edge_widths, luma, vertical_edges


def picture(height: int, width: int, blur: int, contrast: float) -> Tensor:
    """Bars in two directions with a fine ramp, blurred by a 3 x 3 mean."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    bars = ((3 * x + y) // 23 % 2 + (2 * y - x) // 31 % 3) * 50
    levels = torch.stack([bars + x * y * k // 700 % 60 for k in (1, 2, 3)])
    smooth = 60 + contrast * levels.float()[None]
    for _ in range(blur):
        smooth = F.avg_pool2d(smooth, 3, 1, 1, count_include_pad=False)
    return smooth.round() / 255


@pytest.mark.parametrize(
    ("height", "width", "blur", "contrast", "score"),
    [
        (64, 64, 0, 0.6, 1.0000000000),
        (64, 64, 1, 0.6, 0.2178477690),
        (64, 64, 1, 0.2, 0.7193675889),
        (64, 64, 2, 0.2, 0.5763239875),
        (64, 64, 4, 0.2, 0.1034482759),
        (65, 130, 1, 0.6, 0.2104591837),
        (65, 130, 2, 0.2, 0.6047548291),
        (128, 128, 0, 0.6, 0.9896049896),
        (128, 128, 1, 0.6, 0.2212389381),
        (128, 128, 4, 0.2, 0.1089494163),
        (200, 100, 0, 0.6, 0.9832869081),
        (200, 100, 1, 0.2, 0.7403381643),
        (200, 100, 4, 0.2, 0.0696428571),
        (64, 96, 0, 0.2, 1.0000000000),
        (64, 96, 3, 0.6, 0.0000000000),
        (72, 72, 0, 0.6, 1.0000000000),
        (72, 72, 2, 0.2, 0.5666666667),
        (96, 160, 1, 0.2, 0.7345454545),
        (96, 160, 8, 0.2, 0.0553745928),
        (100, 64, 1, 0.6, 0.2216494845),
        (100, 100, 2, 0.6, 0.0000000000),
        (127, 129, 0, 0.2, 1.0000000000),
        (127, 129, 3, 0.2, 0.2043650794),
        (160, 160, 0, 0.6, 0.9899598394),
        (160, 160, 1, 0.6, 0.2109520846),
        (192, 128, 2, 0.2, 0.5705705706),
        (192, 128, 6, 0.2, 0.0835030550),
        (224, 224, 0, 0.2, 1.0000000000),
        (224, 224, 1, 0.2, 0.7504718762),
        (256, 256, 0, 0.6, 0.9730573995),
        (256, 256, 2, 0.2, 0.5355097365),
        (256, 256, 12, 0.2, 0.1583011583),
        (257, 300, 1, 0.4, 0.1976615579),
        (288, 360, 2, 0.3, 0.0593614899),
        (320, 200, 0, 0.1, 1.0000000000),
        (384, 384, 1, 0.2, 0.7520074697),
        (400, 500, 3, 0.1, 0.5704244390),
        (512, 512, 0, 0.6, 0.8959731544),
        (512, 512, 1, 0.2, 0.7469822360),
        (512, 512, 4, 0.2, 0.1455392121),
    ],
)
def test_scores_are_those_of_the_reference_implementation(
    height: int, width: int, blur: int, contrast: float, score: float
) -> None:
    """Scores computed once with ``cpbd`` 1.0.7."""
    assert cpbd(picture(height, width, blur, contrast)).item() == pytest.approx(score, abs=1e-6)


def test_a_picture_scores_the_same_alone_and_in_a_batch() -> None:
    pictures = torch.cat([picture(64, 128, blur, 0.6) for blur in (0, 1, 2)] * 20)
    torch.testing.assert_close(cpbd(pictures), torch.cat([cpbd(one[None]) for one in pictures]))


def test_sharp_bars_score_one_and_a_flat_picture_zero() -> None:
    bars = torch.tensor([0.0] * 7 + [0.5] + [1.0] * 7 + [0.5]).repeat(4).expand(1, 3, 64, 64)
    assert cpbd(bars).item() == 1
    assert cpbd(torch.full((1, 3, 64, 64), 0.5)).item() == 0


def test_what_is_left_over_beside_whole_blocks_has_no_edges_that_count() -> None:
    flat = torch.full((1, 3, 64, 100), 0.5)
    flat[..., 70:80] = 1
    assert cpbd(flat).item() == 0


def test_the_width_of_an_edge_is_the_length_of_its_strict_rise() -> None:
    row = torch.tensor([90.0, 90.0, 90.0, 110.0, 180.0, 190.0, 190.0, 190.0, 190.0])
    grey = row.expand(1, 7, 9).clone()
    grey[0, 0, 0] = 0  # the reference measures nothing where no gradient points elsewhere
    widths = edge_widths(grey)[0, 3]
    assert (
        widths.nonzero().flatten().tolist()
        == vertical_edges(grey)[0, 3].nonzero().flatten().tolist()
    )
    assert set(widths[widths > 0].tolist()) == {3}
    mirrored = edge_widths(grey.flip(2))[0, 3].flip(0)
    torch.testing.assert_close(mirrored, widths)


def test_an_edge_is_followed_no_further_than_a_hundred_steps_either_way() -> None:
    rises = torch.ones(245)
    rises[121:123] = 11
    grey = F.pad(rises, (1, 0)).cumsum(0).expand(1, 7, 246).clone()
    grey[0, 0, 0] = 9  # the reference measures nothing without another direction
    assert edge_widths(grey).max() == 202


def test_a_picture_that_only_rises_to_the_right_has_no_widths() -> None:
    grey = torch.tensor([0.0, 0, 0, 10, 80, 100, 100, 100]).expand(2, 8, 8).clone()
    grey[1, -1, 0] = 1
    assert vertical_edges(grey).flatten(1).any(1).tolist() == [True, True]
    assert (edge_widths(grey) > 0).flatten(1).any(1).tolist() == [False, True]


def test_blocks_that_are_nearly_flat_do_not_count() -> None:
    """Blurred edges of four and of forty rows beside a sharp block; scored with ``cpbd`` 1.0.7."""
    ramp = F.pad(torch.tensor([2, 2, 2, 2, 2, 30, 50]), (30, 27)).cumsum(0) / 255
    for rows, score in ((4, 0.984), (40, 0.7516339869)):
        faint = torch.full((1, 3, 64, 64), 60 / 255)
        faint[..., :rows, :] += ramp
        both = torch.cat([picture(64, 64, 0, 0.6), faint], dim=3)
        assert cpbd(both).item() == pytest.approx(score, abs=1e-6)


def test_luma_is_that_of_eight_bit_grey_images() -> None:
    colours = torch.tensor([[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 30]]) / 255
    assert luma(colours[:, :, None, None]).flatten().tolist() == [76, 150, 29, 18]


def test_pictures_smaller_than_a_block_are_refused() -> None:
    with pytest.raises(ValueError, match="blocks of 64 x 64 pixels, but the pictures are 63 x 80"):
        cpbd(torch.zeros(2, 3, 63, 80))


def test_pictures_of_any_number_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = torch.cat([picture(64, 64, blur, 0.2) for blur in (0, 1, 2, 4)])
    whole = cpbd(pictures)
    monkeypatch.setattr("talkface.metrics.cpbd.CHUNK", 64 * 64)
    assert torch.equal(cpbd(pictures), whole)
    assert cpbd(pictures[:0]).shape == (0,)


@pytest.mark.parametrize(("contrast", "noticeable"), [(40, 5), (120, 3)])
def test_an_edge_is_sharp_up_to_the_width_that_is_just_noticeable(
    contrast: int, noticeable: int
) -> None:
    for width in range(2, 8):
        rises = [2] * (width - 2) + [6, contrast - 6 - 2 * (width - 2)]
        levels = 60 + F.pad(torch.tensor(rises), (30, 34 - width)).cumsum(0)
        pixels = (levels / 255).expand(1, 3, 64, 64).clone()
        pixels[..., 0, 0] = 0.2  # the reference measures nothing without another direction
        assert set(edge_widths(luma(pixels)).unique().tolist()) == {0, width}
        assert cpbd(pixels).item() == (width <= noticeable)


def test_the_metric_averages_over_pictures_and_not_over_batches() -> None:
    metric = CPBD()
    metric.update(picture(64, 64, 0, 0.6))
    metric.update(picture(64, 64, 4, 0.2).repeat(3, 1, 1, 1))
    assert metric.compute().item() == pytest.approx((1 + 3 * 0.1034482759) / 4, abs=1e-6)
