from pathlib import Path

import pytest
import torch
from jaxtyping import UInt8
from torch import Tensor

from data_prep import face_speed
from data_prep.face_difference import compare
from talkface.faces import Face, LandmarkDetector
from tests.data_prep.trees import grid_tree
from tests.faces.drawn import face_points, placed


class OneFace:
    """Finds one face in every frame."""

    def detect(
        self, frames: UInt8[Tensor, "n 3 h w"], *, tracked: bool = False
    ) -> list[list[Face]]:
        """The same face, 0.5 pixels further right where several frames are searched at once."""
        points = placed(face_points(), 60.0, (40.5 if len(frames) > 1 else 40.0, 20.0))
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
        assert face_speed.main([f"--source={grid}", "--workers", "0", "--noise"]) == 0
    assert "plain loop: " in caplog.text
    assert "0 workers: " in caplog.text
    assert " times the loop; at work " in caplog.text
    assert "landmarks differ by 0.500 pixels" in caplog.text
    assert "99 % by less than 0.50; 0 % of the frames are equal" in caplog.text
    assert "moved by a pixel: landmarks differ by 0.500 pixels" in caplog.text


def test_a_difference_is_told_for_lips_and_openings() -> None:
    t = torch.arange(30.0)
    points = placed(face_points(), 60.0).expand(30, 68, 2).clone()
    points[:, 66, 1] += t.sin()
    other = points.clone()
    other[:, 66, 1] = points[:, 66, 1].mean() + 2 * (points[:, 66, 1] - points[:, 66, 1].mean())
    other[:, 8, 0] += 6.8
    told = compare({"a": other}, {"a": points})
    assert "gain 2.000" in told.split("of the eyes")[0]
    assert "r 1.0000" in told
    lips = (other - points)[:, 66].norm(dim=1).mean() / 20
    assert f"lips by {lips:.3f}" in told
    assert f"differ by {0.1 + lips * 20 / 68:.3f} pixels" in told
