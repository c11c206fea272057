from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from talkface.metrics.sync import SHIFT, LipSyncError, lse, offset_distances, sync_windows


def codes(count: int, dim: int = 64, seed: int = 0) -> Tensor:
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(seed))


def transcribed(video: Any, audio: Any, shift: int) -> list[list[float]]:
    """The published distances, number by number."""
    dim = video.shape[1]
    padded = [*np.zeros((shift, dim)), *audio, *np.zeros((shift, dim))]
    return [
        [
            sum((float(a - b) + 1e-6) ** 2 for a, b in zip(code, padded[v + k], strict=True)) ** 0.5
            for k in range(2 * shift + 1)
        ]
        for v, code in enumerate(video)
    ]


@pytest.mark.parametrize(("count", "shift"), [(1, 2), (6, 2), (3, 15)])
def test_distances_are_the_published_ones(count: int, shift: int) -> None:
    video, audio = codes(count, dim=5), codes(count, dim=5, seed=1)
    audio[0] = video[0]
    expected = transcribed(video.numpy(), audio.numpy(), shift)
    found = offset_distances(video, audio, shift)
    torch.testing.assert_close(found, torch.tensor(expected), rtol=1e-5, atol=1e-7)


def test_scores_are_least_median_and_place_of_the_mean_distances() -> None:
    video, audio = codes(30), codes(30, seed=1)
    curve = offset_distances(video, audio).mean(0)
    assert len(curve) == 31
    scores = lse(video, audio)
    assert scores.distance == min(curve)
    assert scores.confidence == sorted(curve)[15] - min(curve)
    assert scores.offset == 15 - curve.tolist().index(min(curve))


@pytest.mark.parametrize("late", [-15, -7, -1, 0, 1, 4, 15])
def test_lips_that_are_late_have_a_positive_offset(late: int) -> None:
    said, count = codes(130), 60
    sound, lips = said[20 : 20 + count], said[20 - late : 20 - late + count]
    scores = lse(lips, sound)
    assert scores.offset.item() == late
    alone = lips[:late] if late > 0 else lips[count + late :]
    matched = (count - abs(late)) * 1e-6 * 64**0.5
    expected = (alone.norm(dim=1).sum() * bool(late) + matched) / count
    assert scores.distance.item() == pytest.approx(expected.item(), rel=1e-4)


def test_a_delay_does_not_hurt_the_scores_of_a_long_clip() -> None:
    said = codes(2000)
    there = lse(said[100:1900], said[100:1900])
    late = lse(said[95:1895], said[100:1900])
    assert late.confidence.item() == pytest.approx(there.confidence.item(), rel=0.01)


def test_unrelated_lips_and_sound_have_no_confidence() -> None:
    related, unrelated = codes(400), codes(400, seed=1)
    assert lse(related, related).confidence > 10
    assert lse(unrelated, related).confidence < 0.3


def test_a_shorter_reach_looks_at_fewer_offsets() -> None:
    said = codes(60)
    assert offset_distances(said, said, 4).shape == (60, 9)
    assert lse(said[5:45], said[:40], 3).offset.abs() <= 3


@pytest.mark.parametrize(
    ("frames", "samples", "windows"),
    [(29, 18_560, 24), (29, 20_000, 24), (29, 17_919, 22), (6, 3840, 1), (5, 3200, 0), (2, 99, 0)],
)
def test_windows_are_counted_as_published(frames: int, samples: int, windows: int) -> None:
    assert sync_windows(frames, samples) == windows == max(0, min(frames, samples // 640) - 5)


def test_a_clip_without_codes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at least one code.*shorter than 6 frames"):
        lse(codes(0), codes(0))


def test_the_metric_is_the_mean_over_clips_of_any_length() -> None:
    said = codes(100)
    clips = [(said[:40], said[3:43]), (said[5:95], said[4:94]), (said[:24], said[60:84])]
    each = [lse(lips, sound) for lips, sound in clips]
    metric, other = LipSyncError(), LipSyncError()
    for index, clip in enumerate(clips):
        (other if index == 1 else metric).update(*clip)
    for state in ("totals", "clips"):  # as two processes add them up
        setattr(metric, state, getattr(metric, state) + getattr(other, state))
    found = metric.compute()
    assert [score.offset.item() for score in each[:2]] == [3, -1]
    assert found.distance.item() == pytest.approx(sum(s.distance.item() for s in each) / 3)
    assert found.confidence.item() == pytest.approx(sum(s.confidence.item() for s in each) / 3)
    assert found.offset.item() == pytest.approx(sum(abs(s.offset.item()) for s in each) / 3)


def test_offsets_of_both_signs_do_not_cancel() -> None:
    said, metric = codes(100), LipSyncError(SHIFT)
    for late in (-4, 4):
        metric.update(said[20 - late : 80 - late], said[20:80])
    assert metric.compute().offset == 4


def test_the_metric_without_a_clip_is_undefined() -> None:
    with pytest.warns(UserWarning, match="before the ``update``"):
        assert LipSyncError().compute().distance.isnan()
