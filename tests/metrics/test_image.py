import inspect
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from talkface.metrics.image import (
    FramePSNR,
    FrameSSIM,
    clip_psnr,
    frame_psnr,
    frame_ssim,
    unit,
)


def pictures(seed: int, height: int = 32, width: int = 40) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (2, 3, height, width), generator=rng) / 255


def noisy(truth: Tensor, sigma: float) -> Tensor:
    noise = torch.randn(truth.shape, generator=torch.Generator().manual_seed(9))
    return (truth * 255 + sigma * noise).round().clamp(0, 255) / 255


def flat(seed: int, height: int, width: int) -> Tensor:
    """Two pictures of one bright colour each, where variances are next to nothing."""
    return pictures(seed, 1, 1).clamp_min(0.7).expand(2, 3, height, width)


CHANGES: dict[str, Callable[[Tensor], Tensor]] = {
    "equal": lambda truth: truth,
    "inverted": lambda truth: 1 - truth,
    "unrelated": lambda truth: pictures(5, truth.shape[2], truth.shape[3]),
    "a little noise": lambda truth: noisy(truth, 2),
    "noise": lambda truth: noisy(truth, 20),
    "much noise": lambda truth: noisy(truth, 80),
    "softer": lambda truth: F.avg_pool2d(truth, 3, 1, 1, count_include_pad=False),
}


@pytest.mark.parametrize("size", [(11, 11), (32, 40), (65, 48), (128, 128)], ids=str)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("made", [pictures, flat])
def test_psnr_and_ssim_are_those_of_scikit_image(
    made: Callable[[int, int, int], Tensor], change: str, size: tuple[int, int]
) -> None:
    metrics = pytest.importorskip("skimage.metrics")
    truth = made(0, *size)
    frames = CHANGES[change](truth)
    for index, (psnr, ssim) in enumerate(
        zip(frame_psnr(frames, truth), frame_ssim(frames, truth), strict=True)
    ):
        a, b = (images[index].permute(1, 2, 0).double().numpy() for images in (frames, truth))
        with np.errstate(divide="ignore"):
            expected = metrics.peak_signal_noise_ratio(b, a, data_range=1)
        assert psnr.item() == pytest.approx(expected, abs=1e-4)
        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        expected = metrics.structural_similarity(a, b, data_range=1, channel_axis=2, **options)
        assert ssim.item() == pytest.approx(expected, abs=1e-4)


def test_equal_pictures_are_perfect() -> None:
    truth = pictures(1)
    assert frame_psnr(truth, truth).isinf().all()
    torch.testing.assert_close(frame_ssim(truth, truth), torch.ones(2))
    assert math.isinf(clip_psnr(truth, truth))


def test_black_against_white_has_no_signal() -> None:
    black = torch.zeros(1, 3, 16, 16)
    assert frame_psnr(black, 1 - black).item() == pytest.approx(0, abs=1e-6)
    assert frame_ssim(black, 1 - black).item() == pytest.approx(0, abs=1e-3)


def test_unrelated_pictures_do_not_profit_from_wrapping_integers() -> None:
    ours, theirs = pictures(2), pictures(3)
    a, b = ((images * 255).round().byte().numpy() for images in (ours, theirs))
    wrapped = 10 * np.log10(255**2 / np.mean((a - b) ** 2))
    true = 10 * np.log10(255**2 / np.mean((a.astype(float) - b.astype(float)) ** 2))
    assert wrapped > 27
    assert frame_psnr(ours, theirs).mean().item() == pytest.approx(true, abs=0.1)
    assert true < 8


def test_differences_of_bytes_would_flatter_a_picture_that_is_wrong_everywhere() -> None:
    truth = torch.full((1, 3, 16, 16), 250, dtype=torch.uint8)
    frames = torch.full_like(truth, 6)  # 244 levels apart; in bytes 244 ** 2 = 144 modulo 256
    wrapped = (frames - truth).square()
    assert wrapped.unique().tolist() == [144]
    flattered = 10 * math.log10(255**2 / 144)
    assert flattered > 26
    right = 20 * math.log10(255 / 244)
    assert frame_psnr(frames / 255, truth / 255).item() == pytest.approx(right, abs=1e-4)
    assert right < 0.5


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.long, torch.bool], ids=str)
@pytest.mark.parametrize("function", [frame_psnr, frame_ssim])
def test_integers_are_refused_even_without_types_checked_at_run_time(
    function: Callable[[Tensor, Tensor], object], dtype: torch.dtype
) -> None:
    function = inspect.unwrap(function)  # what is called outside the tests
    floats = pictures(0)
    integers = (255 * floats).to(dtype)
    for preds, target in ((integers, integers), (floats, integers), (integers, floats)):
        with pytest.raises(TypeError, match=f"got {dtype}: divide 8-bit pictures by 255"):
            function(preds, target)


def test_one_frame_that_equals_the_truth_does_not_hide_the_others() -> None:
    truth = pictures(4)
    frames = truth.clone()
    frames[1] = (truth[1] + 0.1).where(truth[1] < 0.5, truth[1] - 0.1)
    assert clip_psnr(frames, truth) == pytest.approx(20, abs=1e-3)


def test_images_are_rounded_to_the_nearest_of_256_levels() -> None:
    levels = torch.arange(256.0)
    nearly = levels + 0.9 * (torch.rand(256, generator=torch.Generator().manual_seed(0)) - 0.5)
    images = (nearly / 127.5 - 1).view(256, 1, 1, 1).expand(256, 3, 1, 2)
    expected = (levels / 255).view(256, 1, 1, 1).expand(256, 3, 1, 2)
    assert torch.equal(unit(images), expected)


def test_images_beyond_black_and_white_are_clipped() -> None:
    images = torch.tensor([-1.5, 0.0, 1.5]).view(3, 1, 1)
    assert unit(images).flatten().tolist() == pytest.approx([0, 128 / 255, 1])


def test_pictures_have_256_levels() -> None:
    levels = (
        unit(torch.tensor([[-2.0, -1.0, 0.0], [0.003, 1.0, 3.0]])[:, :, None].expand(2, 3, 3)) * 255
    )
    assert levels[:, :, 0].flatten().tolist() == [0.0, 0.0, 128.0, 128.0, 255.0, 255.0]


def test_a_clip_of_which_nothing_is_known_is_not_perfect() -> None:
    truth = pictures(4)
    assert math.isnan(clip_psnr(truth * torch.nan, truth))
    metric = FramePSNR()
    metric.update(truth * torch.nan, truth)
    assert metric.compute().isnan()


def test_the_metrics_average_over_frames_and_not_over_batches() -> None:
    truth = torch.cat([pictures(seed) for seed in (0, 1)])
    frames = torch.cat([noisy(truth[:1], 5), noisy(truth[1:], 40)])
    for metric, function in ((FramePSNR(), frame_psnr), (FrameSSIM(), frame_ssim)):
        for part in (slice(0, 1), slice(1, 4)):
            metric.update(frames[part], truth[part])
        torch.testing.assert_close(metric.compute(), function(frames, truth).mean())
        assert metric.higher_is_better


def test_frames_that_equal_the_truth_are_counted_and_do_not_hide_the_others() -> None:
    truth = pictures(0)
    metric = FramePSNR()
    metric.update(truth, truth)
    assert metric.compute().isposinf()
    other = noisy(truth, 20)
    metric.update(other, truth)
    torch.testing.assert_close(metric.compute(), frame_psnr(other, truth).mean())
    assert metric.left_out.item() == 2
