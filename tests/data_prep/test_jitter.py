from pathlib import Path

import pytest
import torch

from data_prep.jitter import measure_jitter, second_difference
from talkface.data.layout import ClipRecord, Corpus, PreparedClip, write_clip, write_corpus
from talkface.faces.align import align_landmarks
from tests.faces.drawn import face_points, placed

FRAMES = 40


def write(root: Path, noise: float) -> None:
    """A clip of a face of 64 pixels, each point of which is found with some error."""
    errors = torch.randn(FRAMES, 68, 2, generator=torch.Generator().manual_seed(0))
    points = placed(face_points(), 64.0, (20, 20)) + noise * errors
    aligned = align_landmarks(torch.zeros(FRAMES, 3, 96, 96, dtype=torch.uint8), points, 64)
    record = ClipRecord("a", "train", FRAMES, 640, "s1", (), "a.mp4")
    parts = (aligned.frames, aligned.landmarks, aligned.transforms)
    write_clip(root, PreparedClip(record, *parts, torch.zeros(640, dtype=torch.int16)))
    write_corpus(root, Corpus("grid", 64, ()), [record])


def test_a_second_difference_is_that() -> None:
    time = torch.arange(10.0)[:, None, None]
    assert second_difference(3 * time.expand(10, 4, 2)) == 0
    assert second_difference((time**2).expand(10, 4, 2)) == pytest.approx(2 * 2**0.5)


def test_errors_of_landmarks_shake_the_raw_crops_far_more(tmp_path: Path) -> None:
    write(tmp_path, noise=0.5)
    jitter = measure_jitter(tmp_path, 64)
    assert jitter is not None
    assert jitter.raw > 8 * jitter.smoothed > 0
    assert jitter.landmarks == pytest.approx(0.5 * 6**0.5 * 1.2533, rel=0.1)
    assert f"{jitter.raw:.3f} if every frame" in str(jitter)


def test_a_face_that_stands_still_does_not_shake(tmp_path: Path) -> None:
    write(tmp_path, noise=0.0)
    jitter = measure_jitter(tmp_path, 64)
    assert jitter is not None
    assert max(jitter.raw, jitter.smoothed, jitter.landmarks) < 1e-3
    assert measure_jitter(tmp_path / "nothing", 64) is None
