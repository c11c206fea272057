import math

import numpy as np
import pytest
import torch
from torch import Tensor

from talkface.metrics.image import clip_psnr, frame_psnr, frame_ssim, unit


def pictures(seed: int) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (2, 3, 32, 40), generator=rng) / 255


def noisy(truth: Tensor, sigma: float) -> Tensor:
    noise = torch.randn(truth.shape, generator=torch.Generator().manual_seed(9))
    return (truth * 255 + sigma * noise).round().clamp(0, 255) / 255


@pytest.mark.parametrize("sigma", [2.0, 20.0, 80.0])
def test_psnr_and_ssim_are_those_of_scikit_image(sigma: float) -> None:
    metrics = pytest.importorskip("skimage.metrics")
    truth = pictures(0)
    frames = noisy(truth, sigma)
    for index, (psnr, ssim) in enumerate(
        zip(frame_psnr(frames, truth), frame_ssim(frames, truth), strict=True)
    ):
        a, b = (images[index].permute(1, 2, 0).double().numpy() for images in (frames, truth))
        expected = metrics.structural_similarity(
            a,
            b,
            data_range=1,
            channel_axis=2,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        assert psnr.item() == pytest.approx(
            metrics.peak_signal_noise_ratio(b, a, data_range=1), abs=1e-4
        )
        assert ssim.item() == pytest.approx(expected, abs=2e-4)


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
