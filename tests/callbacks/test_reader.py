"""Openings read by a landmark detector."""

from collections.abc import Sequence
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from talkface.callbacks.reader import DetectorReader
from talkface.metrics.reader import MouthReader, TrainableReader

SIDE, BORDER = 288, 96
WHOLE = SIDE + 2 * BORDER


class Found(NamedTuple):
    """A face as the reader needs it."""

    landmarks: Tensor


class Script:
    """A detector that finds what it was told to find."""

    def __init__(self, faces: Sequence[Sequence[Found]]) -> None:
        self.faces = faces
        self.seen: list[tuple[Tensor, bool]] = []

    def detect(self, frames: Tensor, *, tracked: bool = False) -> Sequence[Sequence[Found]]:
        self.seen.append((frames, tracked))
        return self.faces


def face(mouth: float, eyes: float, size: float = 50.0) -> Found:
    """A face with these openings whose outer eye corners are ``size`` pixels apart."""
    points = torch.zeros(68, 2)
    points[45, 0] = size
    points[66, 1] = mouth * size
    for lower in (41, 40, 47, 46):
        points[lower, 1] = eyes * size
    return Found(points)


def enlarged(frame: Tensor) -> Tensor:
    return DetectorReader(Script([])).enlarge(frame[None])[0]


def test_every_frame_gets_the_openings_of_its_own_face() -> None:
    detector = Script([[face(0.1, 0.3)], [face(0.2, 0.4, size=90)], [face(0.0, 0.5)]])
    mouth, eyes, _ = DetectorReader(detector).read(torch.zeros(3, 3, 64, 64))
    assert mouth.tolist() == pytest.approx([0.1, 0.2, 0.0], abs=1e-5)
    assert eyes.tolist() == pytest.approx([0.3, 0.4, 0.5])


def test_landmarks_are_in_pixels_of_the_crop() -> None:
    corners = torch.tensor([[-0.5, -0.5], [SIDE - 0.5, SIDE - 0.5]]) + BORDER
    points = corners.repeat(34, 1)
    found = DetectorReader(Script([[Found(points)], []])).landmarks(torch.zeros(2, 3, 64, 64))
    torch.testing.assert_close(found[0, :2], torch.tensor([[-0.5, -0.5], [63.5, 63.5]]))
    assert found[1].isnan().all()


def test_frames_without_a_face_have_no_movement() -> None:
    detector = Script([[], [face(0.2, 0.4)], []])
    for part in DetectorReader(detector).read(torch.zeros(3, 3, 64, 64)):
        assert part.reshape(3, -1).isnan().all(1).tolist() == [True, False, True]


def test_the_first_face_counts_where_there_are_several() -> None:
    detector = Script([[face(0.1, 0.3), face(0.7, 0.9, size=10)]])
    mouth, eyes, _ = DetectorReader(detector).read(torch.zeros(1, 3, 64, 64))
    assert (mouth.item(), eyes.item()) == pytest.approx((0.1, 0.3), abs=1e-5)


def test_the_detector_sees_all_frames_enlarged_and_does_not_track_them() -> None:
    detector = Script([[], []])
    frames = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    reader = DetectorReader(detector)
    reader.read(frames)
    ((seen, tracked),) = detector.seen
    assert torch.equal(seen, reader.enlarge(frames))
    assert not tracked


@pytest.mark.parametrize("crop", [32, 64, 300])
def test_a_crop_of_any_size_becomes_288_pixels_with_96_on_each_side(crop: int) -> None:
    assert enlarged(torch.zeros(3, crop, crop)).shape == (3, WHOLE, WHOLE)


def test_the_crop_lies_in_the_middle_and_its_edge_is_repeated() -> None:
    frame = torch.zeros(3, 64, 64)
    frame[0, :, :32] = 1.0
    frame[1, :16] = 1.0
    red, green, blue = enlarged(frame)
    assert red[WHOLE // 2, [0, BORDER, BORDER + 120]].tolist() == [255, 255, 255]
    assert red[WHOLE // 2, [BORDER + 168, BORDER + SIDE - 1, WHOLE - 1]].tolist() == [0, 0, 0]
    assert green[[0, BORDER, BORDER + 56], 0].tolist() == [255, 255, 255]
    assert green[[BORDER + 88, WHOLE - 1], 0].tolist() == [0, 0]
    assert (blue == 0).all()


def test_levels_survive_and_sharp_edges_do_not_wrap_around() -> None:
    assert (enlarged(torch.full((3, 64, 64), 100 / 255)) == 100).all()
    frame = torch.ones(3, 64, 64)
    frame[:, :, 32:] = 0.0
    steps = enlarged(frame).int().diff(dim=2)
    assert (steps <= 0).all()
    assert (steps.sum(2) == -255).all()


def test_a_reader_of_its_own_size_can_be_asked_for() -> None:
    reader = DetectorReader(Script([]), side=100, border=10)
    assert reader.enlarge(torch.zeros(1, 3, 64, 64)).shape == (1, 3, 120, 120)


def test_it_reads_without_being_fitted() -> None:
    reader = DetectorReader(Script([]))
    assert isinstance(reader, MouthReader)
    assert not isinstance(reader, TrainableReader)
