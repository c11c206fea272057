import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

from talkface.metrics.judge import Judge, Shown
from talkface.metrics.perceptual import BATCH, SMALLEST, Lpips, PooledFid
from tests.metrics.test_pretrained import random_alexnet

models = pytest.importorskip("torchvision.models")


def pictures(count: int, side: int = 64, seed: int = 0) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, side, side + 4), generator=rng) / 255


@pytest.fixture(scope="module")
def network() -> LearnedPerceptualImagePatchSimilarity:
    """LPIPS with a random AlexNet."""
    with pytest.MonkeyPatch.context() as patch:
        features = models.alexnet(weights=None).features
        state = {name: p for name, p in random_alexnet().items() if name.startswith("features")}
        features.load_state_dict({name.removeprefix("features."): p for name, p in state.items()})
        patch.setattr(
            "torchmetrics.functional.image.lpips._get_tv_model_features", lambda *_: features
        )
        return LearnedPerceptualImagePatchSimilarity("alex", reduction="none", normalize=True)


@torch.no_grad()
def transcribed(network: LearnedPerceptualImagePatchSimilarity, a: Tensor, b: Tensor) -> list[Any]:
    """LPIPS as its paper states it, equation 1, for pictures in [0, 1]."""
    shift, scale = torch.tensor([[-0.030, -0.088, -0.188], [0.458, 0.448, 0.450]])[..., None, None]
    maps = [(2 * images - 1 - shift) / scale for images in (a, b)]
    weights = [p for name, p in network.net.named_parameters() if name.startswith("lin")]
    total = torch.zeros(len(a))
    for level in range(1, 6):
        maps = [getattr(network.net.net, f"slice{level}")(x) for x in maps]
        first, second = (x / (x.square().sum(1, keepdim=True) + 1e-8).sqrt() for x in maps)
        total += F.conv2d((first - second).square(), weights[level - 1]).mean((1, 2, 3))
    return total.tolist()


@pytest.mark.parametrize(("count", "side"), [(1, 64), (3, 64), (BATCH + 3, SMALLEST), (2, 128)])
def test_lpips_is_the_mean_over_the_frames_of_a_clip(
    network: LearnedPerceptualImagePatchSimilarity, count: int, side: int
) -> None:
    shown, truth = pictures(count, side), pictures(count, side, seed=1)
    judge: Judge = Lpips(network)
    found = judge(Shown(shown), Shown(truth))
    expected = np.mean(transcribed(network, shown, truth))
    assert found == {"lpips": pytest.approx(expected, rel=1e-4)}
    assert found["lpips"] > 0.01
    assert network.all_scores == []  # else it would remember every clip of a test


def test_equal_clips_have_no_distance(network: LearnedPerceptualImagePatchSimilarity) -> None:
    shown = Shown(pictures(2))
    assert Lpips(network)(shown, shown)["lpips"] == 0


def test_frames_that_alexnet_cannot_see_are_refused(
    network: LearnedPerceptualImagePatchSimilarity,
) -> None:
    small = Shown(pictures(2, SMALLEST - 1))
    with pytest.raises(ValueError, match="at least 31 x 31 pixels, but these are 30 x 34"):
        Lpips(network)(small, small)


class Corners(nn.Module):
    """Features one can do by hand: four mean levels of the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def forward(self, frames: Tensor) -> Tensor:
        assert frames.dtype == torch.uint8
        self.batches.append(len(frames))
        return F.adaptive_avg_pool2d(frames[:, :1].float(), 2).flatten(1) / 10


def reference(real: Tensor, fake: Tensor) -> float:
    """The Fréchet distance of features as scipy gives it."""
    linalg = pytest.importorskip("scipy.linalg")
    a, b = (Corners()((255 * frames).round().byte()).double().numpy() for frames in (real, fake))
    root = linalg.sqrtm(np.cov(a.T) @ np.cov(b.T)).real
    apart = np.square(a.mean(0) - b.mean(0)).sum()
    return float(apart + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * root))


def test_fid_is_pooled_over_all_frames_of_a_row() -> None:
    lengths = (7, 1, 29)
    truth = pictures(sum(lengths), side=8).split(lengths)
    dark = [clip**2 for clip in pictures(sum(lengths), 8, seed=1).split(lengths)]
    fid = PooledFid(Corners(), dim=4)
    for real, fake in zip(truth, dark, strict=True):
        fid.update({"copy": real[:1].expand_as(real), "dark": fake}, real)
    found = fid.compute()
    copies = torch.cat([real[:1].expand_as(real) for real in truth])
    assert found["dark"] == pytest.approx(reference(torch.cat(truth), torch.cat(dark)), rel=1e-3)
    assert found["copy"] == pytest.approx(reference(torch.cat(truth), copies), rel=1e-3)


def test_the_truth_has_no_distance_from_itself() -> None:
    fid, truth = PooledFid(Corners(), dim=4), pictures(20, 8)
    fid.update({"truth": truth}, truth)
    assert fid.compute()["truth"] == pytest.approx(0, abs=1e-3)


def test_a_constant_change_is_worth_its_square() -> None:
    fid, truth = PooledFid(Corners(), dim=4), (pictures(20, 8) * 127).floor() / 255
    fid.update({"light": truth + 20 / 255}, truth)
    assert fid.compute()["light"] == pytest.approx(4 * 2.0**2, rel=1e-3)


def test_every_frame_goes_through_the_network_once_a_few_at_a_time() -> None:
    network, truth = Corners(), pictures(BATCH + 4, 8)
    PooledFid(network, dim=4).update({"audio": truth, "video": truth}, truth)
    assert network.batches == 3 * [BATCH, 4]


def test_a_single_frame_has_no_spread_and_no_distance() -> None:
    fid, truth = PooledFid(Corners(), dim=4), pictures(1, 8)
    fid.update({"audio": truth}, truth)
    assert math.isnan(fid.compute()["audio"])
