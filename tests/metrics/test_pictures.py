import math

import pytest
import torch
from torch import Tensor

from talkface.metrics.cpbd import cpbd
from talkface.metrics.holes import holes
from talkface.metrics.image import clip_psnr, frame_ssim
from talkface.metrics.judge import Judge, Shown
from talkface.metrics.pictures import Likeness, Pictures, Points
from tests import fakes

JUDGES: list[Judge] = [Pictures(), Points(), Likeness(lambda frames: frames.mean((2, 3)))]


def shown(side: int = 64, frames: int = 5) -> Shown:
    points = fakes.landmarks(torch.linspace(0.1, 0.9, frames), side)
    return Shown(fakes.paint(points, side, fakes.SKIN["anna"]) / 255, points)


def soft(truth: Shown) -> Shown:
    frames = torch.nn.functional.avg_pool2d(truth.frames, 3, 1, 1)
    return Shown(frames, truth.landmarks)


@pytest.mark.parametrize("judge", JUDGES, ids=lambda judge: type(judge).__name__)
def test_a_judge_gives_the_figures_that_it_names(judge: Judge) -> None:
    truth = shown()
    figures = judge(soft(truth), truth)
    assert tuple(figures) == judge.metrics
    assert all(type(value) is float and math.isfinite(value) for value in figures.values())


def test_all_figures_are_known_by_these_names() -> None:
    names = [name for judge in JUDGES for name in judge.metrics]
    pictures = ["psnr", "ssim", "cpbd", "holes", "flicker"]
    assert names == [*pictures, "lmd_mouth", "lmd_face", "jitter", "csim"]


def test_the_truth_is_perfect() -> None:
    truth = shown()
    figures = {key: value for judge in JUDGES for key, value in judge(truth, truth).items()}
    assert figures["psnr"] == math.inf
    assert [figures[key] for key in ("holes", "flicker", "lmd_mouth", "lmd_face")] == [0] * 4
    assert figures["ssim"] == pytest.approx(1)
    assert figures["csim"] == pytest.approx(1, abs=0.01)
    assert figures["jitter"] > 0


def test_figures_of_pictures_are_means_over_frames() -> None:
    truth = shown()
    rendered = soft(truth)
    frames, true = rendered.frames, truth.frames
    change = (frames[1:] - frames[:-1]) - (true[1:] - true[:-1])
    assert Pictures()(rendered, truth) == pytest.approx(
        {
            "psnr": clip_psnr(frames, true),
            "ssim": frame_ssim(frames, true).mean().item(),
            "cpbd": cpbd(frames).mean().item(),
            "holes": holes(frames, true).mean().item(),
            "flicker": 255 * change.abs().mean().item(),
        }
    )


def test_small_frames_have_no_sharpness_but_all_other_figures() -> None:
    truth = shown(side=32)
    figures = Pictures()(soft(truth), truth)
    assert math.isnan(figures.pop("cpbd"))
    assert all(math.isfinite(value) for value in figures.values())


def test_figures_of_points_are_in_pixels() -> None:
    truth = shown()
    assert truth.landmarks is not None
    points = truth.landmarks.clone()
    points[:, 48:] += torch.tensor([3.0, 4.0])
    figures = Points()(Shown(truth.frames, points), truth)
    assert figures["lmd_mouth"] == pytest.approx(5, rel=1e-5)
    assert figures["lmd_face"] == pytest.approx(5 * 20 / 68, rel=1e-5)
    assert figures["jitter"] == pytest.approx(Points()(truth, truth)["jitter"], rel=1e-4)


def test_points_ask_for_landmarks() -> None:
    truth = shown()
    assert truth.landmarks is not None
    unread, lost = Shown(truth.frames), Shown(truth.frames, truth.landmarks * torch.nan)
    for nothing in (unread, lost):
        assert all(math.isnan(value) for value in Points()(nothing, truth).values())
        figures = Points()(truth, nothing)
        assert math.isnan(figures["lmd_mouth"])
        assert math.isnan(figures["lmd_face"])
        assert figures["jitter"] > 0


def test_frames_without_landmarks_are_left_out() -> None:
    truth = shown(frames=8)
    assert truth.landmarks is not None
    points = truth.landmarks + 1
    points[7] = torch.nan
    figures = Points()(Shown(truth.frames, points), truth)
    assert figures["lmd_face"] == pytest.approx(2**0.5, rel=1e-5)
    first = Shown(truth.frames[:7], truth.landmarks[:7])
    assert figures["jitter"] == pytest.approx(Points()(first, first)["jitter"], rel=1e-4)


def test_likeness_is_that_with_the_first_true_frame() -> None:
    seen: list[int] = []

    def network(frames: Tensor) -> Tensor:
        seen.append(len(frames))
        return frames.mean((2, 3))

    red, green = torch.eye(3)[0].view(3, 1, 1), torch.eye(3)[1].view(3, 1, 1)
    truth = torch.stack([red, green, green]).expand(3, 3, 8, 8)
    frames = torch.cat([red.expand(30, 3, 8, 8), green.expand(10, 3, 8, 8)])
    figures = Likeness(network)(Shown(frames), Shown(truth))
    assert figures["csim"] == pytest.approx(0.75)
    assert max(seen) <= 32
