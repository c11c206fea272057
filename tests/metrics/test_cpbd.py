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
        (64, 64, 0, 0.6, 1.0),
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


def test_luma_is_that_of_eight_bit_grey_images() -> None:
    colours = torch.tensor([[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 30]]) / 255
    assert luma(colours[:, :, None, None]).flatten().tolist() == [76, 150, 29, 18]


def test_pictures_smaller_than_a_block_are_refused() -> None:
    with pytest.raises(ValueError, match="blocks of 64 x 64 pixels, but the pictures are 63 x 80"):
        cpbd(torch.zeros(2, 3, 63, 80))


def test_the_metric_averages_over_pictures_and_not_over_batches() -> None:
    metric = CPBD()
    metric.update(picture(64, 64, 0, 0.6))
    metric.update(picture(64, 64, 4, 0.2).repeat(3, 1, 1, 1))
    assert metric.compute().item() == pytest.approx((1 + 3 * 0.1034482759) / 4, abs=1e-6)
