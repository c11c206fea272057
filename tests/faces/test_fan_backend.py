from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch

from talkface.faces import LandmarkModelError, build_detector
from talkface.faces.fan_backend import FaceAlignmentDetector

FILES = ("s3fd-619a316812.pth", "2DFAN4-11f355bf06.pth.tar")


class FakeNetwork:
    """Answers as ``face_alignment.FaceAlignment`` does: points of all faces of a picture joined."""

    def __init__(self) -> None:
        self.face_detector = self
        self.seen: list[int] = []

    def detect_from_batch(self, batch: torch.Tensor) -> list[Any]:
        self.seen.append(len(batch))
        boxes = [np.array([0, 0, 10, 10, 0.9]), np.array([5, 5, 35, 25, 0.8])]
        return [boxes if picture.max() > 0 else [] for picture in batch]

    def get_landmarks_from_batch(
        self, batch: torch.Tensor, detected_faces: list[Any], return_bboxes: bool
    ) -> tuple[list[Any], None, list[Any]]:
        points = np.concatenate([np.full((68, 2), i, np.float32) for i in range(2)])
        return [points if len(boxes) else [] for boxes in detected_faces], None, detected_faces


def test_faces_come_largest_first_and_batches_bound_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    network = FakeNetwork()
    monkeypatch.setattr("talkface.faces.fan_backend._load", lambda device: network)
    frames = torch.full((11, 3, 40, 40), 9, dtype=torch.uint8)
    frames[3] = 0
    found = FaceAlignmentDetector().detect(frames)
    assert [len(faces) for faces in found] == [2, 2, 2, 0] + [2] * 7
    assert found[0][0].box.tolist() == [5, 5, 35, 25]
    assert (found[0][0].landmarks == 1).all()
    assert network.seen == [8, 3]


def test_of_consecutive_frames_every_fifth_is_searched_and_boxes_move_in_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = FakeNetwork()
    monkeypatch.setattr("talkface.faces.fan_backend._load", lambda device: network)

    def moving(batch: torch.Tensor) -> list[Any]:
        network.seen.append(len(batch))
        lefts = [float(picture.max()) for picture in batch]
        return [[np.array([x, 0, x + 90, 100, 0.9])] if x < 200 else [] for x in lefts]

    monkeypatch.setattr(network, "detect_from_batch", moving)
    frames = torch.arange(22)[:, None, None, None].expand(22, 3, 8, 8).to(torch.uint8).clone()
    frames[17] = 255
    boxes = FaceAlignmentDetector()._tracked(frames)
    assert network.seen == [6]
    assert [box[0][0] for box in boxes] == pytest.approx(list(range(22)))
    frames[15:] = 255
    boxes = FaceAlignmentDetector()._tracked(frames)
    assert [len(found) for found in boxes] == [1] * 15 + [0] * 7


def test_no_network_says_where_to_put_the_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def offline(*_args: object, **_options: object) -> None:
        raise URLError("Name or service not known")

    monkeypatch.setattr("urllib.request.urlopen", offline)
    monkeypatch.setattr("torch.hub.urlopen", offline)
    monkeypatch.setattr("torch.hub._hub_dir", str(tmp_path))
    with pytest.raises(LandmarkModelError, match="Name or service not known") as caught:
        build_detector("face-alignment")
    for part in (*FILES, str(tmp_path / "checkpoints"), "mediapipe backend"):
        assert part in str(caught.value)


@pytest.mark.slow
def test_weights_in_the_released_format_load_and_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from face_alignment.detection.sfd.net_s3fd import s3fd  # noqa: PLC0415
    from face_alignment.models import FAN  # noqa: PLC0415

    folder = tmp_path / "checkpoints"
    folder.mkdir()
    torch.save(s3fd().state_dict(), folder / FILES[0])
    torch.save(FAN(4).state_dict(), folder / FILES[1])
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub._hub_dir", str(tmp_path))
    detector = FaceAlignmentDetector()
    boxes = [[np.array([20, 20, 60, 60, 1.0]), np.array([10, 10, 90, 90, 1.0])], []]
    monkeypatch.setattr(detector, "_boxes", lambda batch: boxes)
    found = detector.detect(torch.full((2, 3, 100, 100), 100, dtype=torch.uint8))
    assert [len(faces) for faces in found] == [2, 0]
    assert found[0][0].box.tolist() == [10, 10, 90, 90]
    assert found[0][0].landmarks.isfinite().all()
