from pathlib import Path

import numpy as np
import pytest
import torch

from data_prep.corpora import ClipError, RawClip
from data_prep.faces import DetectorSource, SidecarSource, landmark_source
from talkface.faces import TEMPLATE, Face, SparseDetector
from talkface.faces.align import align_landmarks, move_points
from tests.faces.drawn import KnownFaces, face_points, placed

NOWHERE = Path("none.npy")
FRAMES = torch.zeros(4, 3, 8, 8, dtype=torch.uint8)


def test_a_detector_is_followed_through_the_clip() -> None:
    face = Face.around(placed(face_points()))
    points = DetectorSource(KnownFaces([[face], [], [face], [face]])).points(FRAMES, NOWHERE)
    assert torch.equal(points[2], face.landmarks)
    assert points[1].isnan().all()


def test_a_sidecar_is_read(tmp_path: Path) -> None:
    stored = np.random.default_rng(0).random((4, 68, 2))
    np.save(tmp_path / "a.landmarks.npy", stored)
    source = landmark_source("sidecar")
    points = source.points(FRAMES, tmp_path / "a.landmarks.npy")
    torch.testing.assert_close(points, torch.from_numpy(stored).float())


def test_a_sidecar_of_another_length_is_explained(tmp_path: Path) -> None:
    np.save(tmp_path / "a.landmarks.npy", np.zeros((5, 68, 2)))
    with pytest.raises(ClipError, match=r"shape \(5, 68, 2\), expected \(4, 68, 2\)"):
        SidecarSource().points(FRAMES, tmp_path / "a.landmarks.npy")


def test_a_missing_or_damaged_sidecar_is_explained(tmp_path: Path) -> None:
    sidecar = RawClip("a", tmp_path / "a.mp4").sidecar
    with pytest.raises(ClipError, match=r"No landmarks .*a\.landmarks\.npy"):
        SidecarSource().points(FRAMES, sidecar)
    sidecar.write_bytes(b"nothing")
    with pytest.raises(ClipError, match="is not a NumPy array"):
        SidecarSource().points(FRAMES, sidecar)


@pytest.mark.parametrize(("height", "width"), [(112, 112), (112, 160), (200, 112)])
def test_the_largest_centred_square_is_only_scaled(height: int, width: int) -> None:
    ramp = torch.arange(height)[:, None] + torch.arange(width)
    picture = (ramp // 2).expand(1, 3, height, width).to(torch.uint8)
    aligned = align_landmarks(picture, landmark_source("none").points(picture, NOWHERE), 56)
    top, left = (height - 112) // 2, (width - 112) // 2
    square = picture[:, :, top : top + 112, left : left + 112].float()
    halved = torch.nn.functional.avg_pool2d(square, 2)
    assert (aligned.frames - halved).abs()[:, :, 1:-1, 1:-1].max() <= 1


def test_crops_of_insightface_are_moved_into_the_frame_of_clips() -> None:
    eyes_and_mouth_corners = torch.tensor(
        [[38.2946, 51.6963], [73.5318, 51.5014], [41.5493, 92.3655], [70.7299, 92.2041]]
    )
    crop = torch.zeros(1, 3, 112, 112, dtype=torch.uint8)
    aligned = align_landmarks(crop, landmark_source("insightface").points(crop, NOWHERE), 64)
    moved = move_points(eyes_and_mouth_corners[None], aligned.transforms)[0]
    found = torch.stack((moved[0], moved[1], moved[2:].mean(dim=0)))
    target = torch.tensor(TEMPLATE) * 64 - 0.5
    torch.testing.assert_close(found, target, atol=0.6, rtol=0)
    assert aligned.transforms[0, :, :2].det().sqrt() * 112 / 64 == pytest.approx(1, abs=0.06)


def test_of_a_clip_some_frames_are_searched_if_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    known = KnownFaces([[Face.around(placed(face_points()))] for _ in range(9)])
    monkeypatch.setattr("data_prep.faces.build_detector", lambda *_args: known)
    every = landmark_source("mediapipe", every=1)
    some = landmark_source("mediapipe", every=4)
    assert isinstance(every, DetectorSource)
    assert isinstance(some, DetectorSource)
    assert every.detector is known
    assert isinstance(some.detector, SparseDetector)
    assert some.detector.every == 4
