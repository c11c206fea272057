import os
import signal
from pathlib import Path

import pytest
import torch

from talkface.data.media import read_image, read_video
from talkface.faces import (
    TEMPLATE,
    LandmarkDetector,
    NoFaceError,
    align_clip,
    align_image,
    build_detector,
    mediapipe_backend,
)
from talkface.faces.mediapipe_backend import IBUG, to_ibug

SHARED = Path(__file__).parents[3] / "shared"
TASK = SHARED / "weights" / "face_landmarker.task"
CLIPS = sorted((SHARED / "data" / "clips").glob("*.mpg"))[:2]
needs_model = pytest.mark.skipif(not TASK.is_file() or not CLIPS, reason="no model or no clips")


@pytest.fixture(scope="module")
def detector() -> LandmarkDetector:
    pytest.importorskip("mediapipe")
    return build_detector("mediapipe", TASK)


def test_the_mapping_names_68_different_points_of_the_mesh() -> None:
    assert len(IBUG) == len(set(IBUG)) == 68
    assert max(IBUG) < 468


def test_the_mapping_keeps_the_order_of_ibug() -> None:
    mesh = torch.arange(478.0)[:, None].expand(478, 2)
    points = to_ibug(mesh)[:, 0].tolist()
    assert [points[i] for i in (8, 27, 33, 36, 45, 48, 54, 62, 66)] == [
        152, 168, 2, 33, 263, 61, 291, 13, 14,
    ]  # fmt: skip


@needs_model
@pytest.mark.parametrize("path", CLIPS, ids=lambda path: path.stem)
def test_points_of_a_real_clip_are_where_a_face_has_them(
    path: Path, detector: LandmarkDetector
) -> None:
    frames = read_video(path)[:30]
    found = detector.detect(frames, tracked=True)
    assert [len(faces) for faces in found] == [1] * 30
    points = torch.stack([faces[0].landmarks for faces in found])
    left, right = points[:, 36:42].mean(dim=1), points[:, 42:48].mean(dim=1)
    mouth, chin, nose = points[:, 48:68].mean(dim=1), points[:, 8], points[:, 30]
    assert (left[:, 0] < right[:, 0]).all()
    for above, below in ((left, nose), (nose, mouth), (mouth, chin)):
        assert (above[:, 1] < below[:, 1]).all()
    assert (points[:, 0, 0] < points[:, 48, 0]).all()
    assert (points[:, 16, 0] > points[:, 54, 0]).all()
    gap = (points[:, 66] - points[:, 62])[:, 1]
    assert gap.min() > -1
    assert gap.max() < (chin - nose)[:, 1].max()
    single = detector.detect(frames[10:11])[0][0].landmarks
    assert (single - points[10]).norm(dim=1).mean() < 0.05 * (right - left).norm(dim=1).mean()


@needs_model
def test_a_real_clip_is_stable_and_whole_in_the_crop(detector: LandmarkDetector) -> None:
    clip = align_clip(read_video(CLIPS[0])[:30], detector, 64)
    eyes_and_nose = clip.landmarks[:, 27:36].mean(dim=1)
    assert eyes_and_nose.diff(dim=0).norm(dim=1).max() < 1.0
    assert clip.landmarks.min() > -1
    assert clip.landmarks.max() < 64
    torch.testing.assert_close(
        clip.landmarks[:, 48:68].mean(dim=(0, 1)), torch.tensor([31.5, 44.0]), atol=2.5, rtol=0
    )


@needs_model
def test_a_portrait_is_cropped_and_found_again_in_its_crop(detector: LandmarkDetector) -> None:
    portrait = read_image(SHARED / "data" / "portraits" / "ai_face_2.jpg")
    aligned = align_image(portrait, detector, 128)
    again = detector.detect(aligned.crop[None])[0][0].landmarks
    assert aligned.note is None
    eyes = torch.stack((again[36:42].mean(dim=0), again[42:48].mean(dim=0)))
    template = torch.tensor(TEMPLATE[:2]) * 128 - 0.5
    torch.testing.assert_close(eyes, template, atol=4.0, rtol=0)


@needs_model
def test_an_animal_is_no_face(detector: LandmarkDetector) -> None:
    alpaca = read_image(SHARED / "data" / "portraits" / "ai_face_1.png")
    with pytest.raises(NoFaceError, match="No face found in the picture of 580 x 580 pixels"):
        align_image(alpaca, detector, 128)


@needs_model
def test_a_wall_has_no_face(detector: LandmarkDetector) -> None:
    assert detector.detect(torch.full((2, 3, 200, 200), 128, dtype=torch.uint8)) == [[], []]


def test_what_puts_signals_back_leaves_sigprof_ignored() -> None:
    before = signal.getsignal(signal.SIGPROF)
    try:
        mediapipe_backend._remember_sigprof()
        signal.signal(signal.SIGPROF, signal.getsignal(signal.SIGPROF))
        os.kill(os.getpid(), signal.SIGPROF)  # would end this process
    finally:
        signal.signal(signal.SIGPROF, before)
