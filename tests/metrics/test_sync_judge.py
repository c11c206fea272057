import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from talkface.data.mfcc import Mfcc
from talkface.metrics.judge import Judge, Shown
from talkface.metrics.sync_judge import LipSync, SyncNetwork, as_seen
from talkface.models.syncnet import SyncNet
from tests.metrics.test_sync import transcribed


class Projections:
    """Stands for SyncNet: random projections of all that it sees and hears, to 24 numbers."""

    def __init__(self) -> None:
        rng = torch.Generator().manual_seed(5)
        self.seen = torch.randn(15 * 14 * 14, 24, generator=rng)
        self.heard = 100 * torch.randn(260, 24, generator=rng)
        self.batches: list[int] = []
        self.device: torch.device | None = None

    def audio(self, mfcc: Tensor) -> Tensor:
        assert mfcc.shape[1:] == (1, 13, 20)
        return mfcc.flatten(1) @ self.heard

    def lips(self, video: Tensor) -> Tensor:
        assert video.shape[1:] == (3, 5, 224, 224)
        self.batches.append(len(video))
        return F.avg_pool2d(video.flatten(1, 2), 16).flatten(1) @ self.seen

    def to(self, device: torch.device) -> None:
        self.device = device


def clip(frames: int, samples: int, side: int = 224, seed: int = 0) -> Shown:
    rng = torch.Generator().manual_seed(seed)
    coarse = torch.rand(frames, 3, 7, 7, generator=rng)
    pictures = (F.interpolate(coarse, side, mode="bilinear") * 255).round() / 255
    sound = torch.randint(-9000, 9000, (samples,), generator=rng).to(torch.int16)
    return Shown(pictures, sound=sound)


def published(shown: Shown, network: SyncNetwork) -> dict[str, float]:
    """The published procedure, step by step, for frames of 224 x 224."""
    speech: Any = pytest.importorskip("python_speech_features")
    assert shown.sound is not None
    sound = shown.sound.numpy()
    mfcc = np.stack([np.array(row) for row in zip(*speech.mfcc(sound, 16_000), strict=True)])
    images = [(255 * frame).round().byte().permute(1, 2, 0).numpy() for frame in shown.frames]
    bgr = np.stack([image[:, :, ::-1] for image in images], axis=3).transpose(2, 3, 0, 1)
    video, audio = [], []
    for v in range(min(len(images), len(sound) // 640) - 5):
        five = torch.from_numpy(bgr[None, :, v : v + 5].astype(np.float32))
        twenty = torch.from_numpy(mfcc[None, None, :, 4 * v : 4 * v + 20].astype(np.float32))
        video.append(network.lips(five)[0].numpy())
        audio.append(network.audio(twenty)[0].numpy())
    curve = np.mean(transcribed(np.stack(video), np.stack(audio), 15), axis=0)
    return {
        "lse_d": curve.min(),
        "lse_c": np.median(curve) - curve.min(),
        "lse_offset": abs(15 - curve.argmin()),
    }


@pytest.mark.parametrize(
    ("frames", "samples"), [(6, 3840), (25, 16_000), (26, 20_000), (40, 19_840), (29, 18_560)]
)
def test_scores_are_those_of_the_published_procedure(frames: int, samples: int) -> None:
    shown = clip(frames, samples)
    found = LipSync(Projections(), Mfcc("psf"))(shown, Shown(shown.frames))
    expected = published(shown, Projections())
    assert found == pytest.approx(expected, rel=1e-4, abs=0.05)
    assert found["lse_d"] > 100


@torch.no_grad()
def test_scores_by_a_syncnet_are_those_of_the_published_procedure() -> None:
    torch.manual_seed(0)
    network = SyncNet(32).eval()
    shown = clip(8, 5120)
    found = LipSync(network, Mfcc("psf"))(shown, shown)
    assert found == pytest.approx(published(shown, network), rel=1e-4)
    assert found["lse_d"] > 0


def test_scores_know_colours_order_of_frames_and_sound() -> None:
    shown, judge = clip(20, 12_800), LipSync(Projections(), Mfcc("psf"))
    assert shown.sound is not None
    variants = [
        shown,
        shown._replace(frames=shown.frames.flip(1)),
        shown._replace(frames=shown.frames.flip(0)),
        shown._replace(frames=shown.frames.flip(3)),
        shown._replace(sound=shown.sound.flip(0)),
    ]
    scores = [judge(variant, shown) for variant in variants]
    numbers = sorted(score["lse_c"] - score["lse_d"] for score in scores)
    assert all(larger > 1.002 * smaller > 0 for smaller, larger in pairwise(numbers))


def test_windows_are_made_a_few_at_a_time() -> None:
    network = Projections()
    LipSync(network, Mfcc("psf"))(clip(50, 32_000), clip(50, 32_000))
    assert network.batches == [20, 20, 5]


def test_the_network_goes_where_the_frames_are() -> None:
    network = Projections()
    LipSync(network, Mfcc("psf"))(clip(8, 5120), clip(8, 5120))
    assert network.device == torch.device("cpu")


@pytest.mark.parametrize(("frames", "samples"), [(5, 9000), (30, 3839), (1, 0)])
def test_a_clip_that_is_too_short_has_no_scores(frames: int, samples: int) -> None:
    scores = LipSync(Projections(), Mfcc("psf"))(clip(frames, samples), clip(frames, samples))
    assert list(scores) == ["lse_d", "lse_c", "lse_offset"]
    assert all(math.isnan(score) for score in scores.values())


def test_without_a_sound_that_of_the_truth_is_taken_and_without_any_there_is_no_score() -> None:
    judge: Judge = LipSync(Projections(), Mfcc("psf"))
    truth, other = clip(20, 12_800), clip(20, 12_800, seed=1)
    mute = other._replace(sound=None)
    assert judge(mute, truth) == judge(other._replace(sound=truth.sound), truth)
    assert judge(other, truth) != judge(mute, truth)
    assert math.isnan(judge(mute, mute)["lse_d"])


@pytest.mark.parametrize("side", [64, 112, 256])
def test_frames_are_resized_as_opencv_does_to_within_one_level(side: int) -> None:
    opencv = pytest.importorskip("cv2")
    rng = torch.Generator().manual_seed(side)
    frames = torch.randint(0, 256, (2, 3, side, side + 6), generator=rng) / 255
    for found, frame in zip(as_seen(frames), frames, strict=True):
        picture = (255 * frame).round().byte().permute(1, 2, 0).numpy()[:, :, ::-1]
        expected = opencv.resize(picture, (224, 224)).transpose(2, 0, 1).astype(np.float32)
        assert np.abs(found.numpy() - expected).max() <= 1
        assert np.abs(found.numpy() - expected).mean() < 0.15  # it rounds down on its way
