from pathlib import Path

import pytest
from jaxtyping import UInt8
from torch import Tensor

from data_prep import face_speed
from talkface.faces import Face, LandmarkDetector
from tests.data_prep.trees import grid_tree
from tests.faces.drawn import face_points, placed


class OneFace:
    """Finds one face in every frame."""

    def detect(
        self, frames: UInt8[Tensor, "n 3 h w"], *, tracked: bool = False
    ) -> list[list[Face]]:
        """The same face, found 0.5 pixels further right by tracking."""
        points = placed(face_points(), 60.0, (40.5 if tracked else 40.0, 20.0))
        return [[Face.around(points)] for _ in frames]


def test_speed_and_distance_to_a_plain_loop_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def detector(*_args: object, **_options: object) -> LandmarkDetector:
        return OneFace()

    monkeypatch.setattr("data_prep.face_speed.build_detector", detector)
    monkeypatch.setattr("data_prep.faces.build_detector", detector)
    grid = grid_tree(tmp_path / "raw", {"s1": ("bbaf2n", "lbaq7a")})
    with caplog.at_level("INFO"):
        assert face_speed.main([f"--source={grid}", "--workers", "0"]) == 0
    assert "plain loop: " in caplog.text
    assert "times the loop; landmarks differ by 0.500 pixels" in caplog.text
