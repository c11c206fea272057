import torch
from torch import Tensor

from talkface.compare.closeup import BORDER, SIDE, CloseUp, enlarged
from talkface.faces import Face
from tests.compare.fakes import Spots, face


class Seen:
    """Remembers the pictures it is shown and finds a face in the middle pixel."""

    def __init__(self) -> None:
        self.frames = torch.empty(0)

    def detect(self, frames: Tensor, *, tracked: bool = False) -> list[list[Face]]:
        self.frames = frames
        height, width = frames.shape[2:]
        middle = torch.tensor([(width - 1) / 2, (height - 1) / 2])
        return [[Face(middle.expand(68, 2), middle.repeat(2))] for _ in frames]


def test_small_pictures_are_enlarged_to_the_side_and_get_a_border() -> None:
    shown = enlarged(torch.full((2, 3, 96, 128), 7, dtype=torch.uint8))
    assert shown.shape == (2, 3, SIDE + 2 * BORDER, round(128 * SIDE / 96) + 2 * BORDER)
    assert (shown == 7).all()


def test_the_middle_stays_the_middle_whatever_the_size() -> None:
    for height, width in ((96, 128), (64, 64), (128, 97)):
        (face,) = CloseUp(Seen()).detect(torch.zeros(1, 3, height, width, dtype=torch.uint8))[0]
        middle = torch.tensor([(width - 1) / 2, (height - 1) / 2])
        torch.testing.assert_close(face.landmarks, middle.expand(68, 2))
        torch.testing.assert_close(face.box, middle.repeat(2))


def test_points_come_back_in_pixels_of_the_picture_that_was_given() -> None:
    picture = face(0.05)[None]
    (direct,), (closer,) = Spots().detect(picture)[0], CloseUp(Spots()).detect(picture)[0]
    assert (direct.landmarks - closer.landmarks).abs().max() < 0.5


def test_large_pictures_are_shown_as_they_are_unless_all_are_to_be_enlarged() -> None:
    frames = torch.zeros(1, 3, SIDE, SIDE + 8, dtype=torch.uint8)
    seen = Seen()
    CloseUp(seen).detect(frames)
    assert seen.frames is frames
    CloseUp(seen, below=None).detect(frames)
    assert seen.frames.shape[2:] == (SIDE + 2 * BORDER, SIDE + 8 + 2 * BORDER)
