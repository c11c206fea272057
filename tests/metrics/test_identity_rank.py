import pytest
import torch

from talkface.metrics.identity_rank import mean_code, recognised

AXES = torch.eye(3)
PORTRAITS = dict(zip(("anna", "bela", "cleo"), AXES, strict=True))


def test_a_clip_is_recognised_where_its_own_portrait_is_nearest_whatever_its_length() -> None:
    clips = {"a": 9 * AXES[0] + 8 * AXES[1], "b": AXES[0] / 100 + AXES[1] / 200, "c": -AXES[2]}
    found = recognised(clips, PORTRAITS, {"a": "anna", "b": "bela", "c": "cleo"})
    assert found == {"a": 100, "b": 0, "c": 0}


def test_an_average_face_is_nobody() -> None:
    assert recognised({"a": AXES.sum(0)}, PORTRAITS, {"a": "anna"}) == {"a": 0}


def test_every_frame_counts_alike_however_long_its_code() -> None:
    codes = torch.stack([50 * AXES[0], AXES[1], 2 * AXES[1]])
    assert mean_code(codes).tolist() == pytest.approx([1 / 3, 2 / 3, 0])
