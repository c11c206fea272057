from pathlib import Path

import numpy as np
import pytest
import torch

from data_prep.corpora import ClipError, RawClip
from data_prep.faces import DetectorSource, SidecarSource, landmark_source
from talkface.faces import Face
from tests.faces.drawn import KnownFaces, face_points, placed

FRAMES = torch.zeros(4, 3, 8, 8, dtype=torch.uint8)


def test_a_detector_is_followed_through_the_clip() -> None:
    face = Face.around(placed(face_points()))
    points = DetectorSource(KnownFaces([[face], [], [face], [face]])).points(
        RawClip("a", Path("a.mp4")), FRAMES
    )
    assert torch.equal(points[2], face.landmarks)
    assert points[1].isnan().all()


def test_a_sidecar_is_read(tmp_path: Path) -> None:
    stored = np.random.default_rng(0).random((4, 68, 2))
    np.save(tmp_path / "a.landmarks.npy", stored)
    source = landmark_source("sidecar")
    points = source.points(RawClip("a", tmp_path / "a.mp4"), FRAMES)
    torch.testing.assert_close(points, torch.from_numpy(stored).float())


def test_a_sidecar_of_another_length_is_explained(tmp_path: Path) -> None:
    np.save(tmp_path / "a.landmarks.npy", np.zeros((5, 68, 2)))
    with pytest.raises(ClipError, match=r"shape \(5, 68, 2\), but the video at 25 fps has 4"):
        SidecarSource().points(RawClip("a", tmp_path / "a.mp4"), FRAMES)


def test_a_missing_or_damaged_sidecar_is_explained(tmp_path: Path) -> None:
    clip = RawClip("a", tmp_path / "a.mp4")
    with pytest.raises(ClipError, match=r"No landmarks .*a\.landmarks\.npy"):
        SidecarSource().points(clip, FRAMES)
    clip.sidecar.write_bytes(b"nothing")
    with pytest.raises(ClipError, match="is not a NumPy array"):
        SidecarSource().points(clip, FRAMES)
