from pathlib import Path

import pytest
import torch

from talkface.faces import BACKENDS, Face, LandmarkModelError, build_detector
from talkface.faces.landmarks import largest_first
from tests.faces.drawn import face_points, placed


def test_the_box_of_a_face_is_the_bounding_box_of_its_points() -> None:
    points = torch.zeros(68, 2)
    points[3], points[9] = torch.tensor([-2.0, 1.0]), torch.tensor([4.0, 6.0])
    face = Face.around(points)
    assert face.box.tolist() == [-2.0, 0.0, 4.0, 6.0]
    assert face.area == 36.0


def test_faces_are_sorted_by_area() -> None:
    small, large = (Face.around(placed(face_points(), size=size)) for size in (20.0, 40.0))
    assert largest_first([small, large]) == [large, small]


def test_an_unknown_backend_lists_the_choices() -> None:
    with pytest.raises(
        LandmarkModelError, match=r"'dlib'\. Choose one of mediapipe, face-alignment"
    ):
        build_detector("dlib")
    assert BACKENDS == ("mediapipe", "face-alignment")


def test_mediapipe_without_a_model_file_says_what_to_give() -> None:
    with pytest.raises(LandmarkModelError, match="name it with `--task FILE`"):
        build_detector("mediapipe", None)


def test_a_missing_model_file_is_named(tmp_path: Path) -> None:
    pytest.importorskip("mediapipe")
    with pytest.raises(LandmarkModelError, match=r"No MediaPipe model at .*nothing\.task"):
        build_detector("mediapipe", tmp_path / "nothing.task")


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    pytest.importorskip("mediapipe")
    task = tmp_path / "wrong.task"
    task.write_bytes(b"not a model")
    with pytest.raises(LandmarkModelError, match=r"wrong\.task is not a Face Landmarker model"):
        build_detector("mediapipe", task)
