import math

import pytest
import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from talkface.faces import Face, SparseDetector, move_points
from talkface.faces.between import LONGEST
from talkface.faces.regress import SIDE, guess_points
from tests.faces.drawn import face_points, placed

FRAMES = 40


def talking(openings: list[float], corner: tuple[float, float] = (60.0, 40.0)) -> list[Tensor]:
    """The points of a face that opens its mouth, and drifts."""
    return [
        placed(face_points(opening), corner=(corner[0] + 0.2 * t, corner[1]))
        for t, opening in enumerate(openings)
    ]


def picture(points: Float[Tensor, "68 2"], t: int) -> UInt8[Tensor, "3 160 200"]:
    """Eyes, and a mouth as open as the points say; the first pixel tells the frame."""
    y, x = torch.meshgrid(torch.arange(160.0), torch.arange(200.0), indexing="ij")
    grey = 90 + 20 * torch.sin(x / 7) * torch.cos(y / 9)
    for part in (points[36:42], points[42:48], points[60:68]):
        low, high = part.aminmax(dim=0)
        centre, half = (low + high) / 2, (high - low) / 2 + 0.5
        inside = 1 - ((x - centre[0]) / half[0]) ** 2 - ((y - centre[1]) / half[1]) ** 2
        grey = grey + 120 * torch.sigmoid(6 * inside)
    image = grey.clamp(0, 255).to(torch.uint8).expand(3, -1, -1).clone()
    image[:, 0, 0] = t
    return image


class Known:
    """Knows the faces of a clip by the first pixel of its frames, and counts what it is asked."""

    def __init__(self, faces: list[list[Face]]) -> None:
        self.faces, self.asked = faces, list[int]()

    def detect(
        self, frames: UInt8[Tensor, "n 3 h w"], *, tracked: bool = False
    ) -> list[list[Face]]:
        """The faces of these frames."""
        times = frames[:, 0, 0, 0].tolist()
        self.asked += times
        return [self.faces[t] for t in times]


def clip(points: list[Tensor]) -> tuple[UInt8[Tensor, "n 3 160 200"], Known]:
    frames = torch.stack([picture(face, t) for t, face in enumerate(points)])
    return frames, Known([[Face.around(face)] for face in points])


def found(frames: UInt8[Tensor, "n 3 h w"], known: Known) -> Float[Tensor, "n 68 2"]:
    faces = SparseDetector(known, every=4).detect(frames, tracked=True)
    return torch.stack([seen[0].landmarks for seen in faces])


def test_lips_that_move_faster_than_frames_are_searched_are_followed() -> None:
    truth = talking([0.05 + 0.04 * math.sin(1.9 * t) for t in range(FRAMES)])
    frames, known = clip(truth)
    error = (found(frames, known) - torch.stack(truth)).norm(dim=2)
    lines = torch.stack(truth[::4])
    between = (lines[:-1] + lines[1:]) / 2 - torch.stack(truth[2::4])[: len(lines) - 1]
    assert len(known.asked) < 0.6 * FRAMES
    assert between.norm(dim=2)[:, 48:].mean() > 1.0
    assert error[:, 48:].mean() < 0.1
    assert error.max() < 1.0


def test_a_face_that_only_drifts_is_searched_as_rarely_as_asked() -> None:
    truth = talking([0.05] * 37)
    frames, known = clip(truth)
    torch.testing.assert_close(found(frames, known), torch.stack(truth), atol=0.05, rtol=0)
    assert sorted(known.asked) == list(range(0, 37, 4))


def test_a_mouth_that_opens_in_one_frame_alone_is_searched_there() -> None:
    truth = talking([0.1 if t == 22 else 0.03 for t in range(FRAMES)])
    frames, known = clip(truth)
    points = found(frames, known)
    assert 22 in known.asked
    assert torch.equal(points[22], truth[22])
    assert len(known.asked) < 0.5 * FRAMES


def test_around_a_cut_every_frame_is_searched() -> None:
    truth = talking([0.05] * 18) + talking([0.05] * 19, corner=(95.0, 60.0))
    frames, known = clip(truth)
    points = found(frames, known)
    assert {16, 17, 18, 19, 20} <= set(known.asked)
    torch.testing.assert_close(points, torch.stack(truth), atol=0.5, rtol=0)


@pytest.mark.parametrize("others", [0, 2])
def test_where_not_one_face_alone_is_seen_every_frame_is_searched(others: int) -> None:
    frames, known = clip(talking([0.05] * 37))
    known.faces[20] = known.faces[20] * others
    faces = SparseDetector(known, every=4).detect(frames, tracked=True)
    assert {*range(16, 25)} <= set(known.asked)
    assert {1, 2, 3, 30, 31} & set(known.asked) == set()
    assert len(faces[20]) == others


def test_a_face_that_is_hidden_in_an_odd_frame_is_not_made_up() -> None:
    frames, known = clip(talking([0.05] * 37))
    frames[18, :, 80:] = torch.randint(0, 255, (3, 80, 200), dtype=torch.uint8)
    known.faces[18] = []
    faces = SparseDetector(known, every=4).detect(frames, tracked=True)
    assert [t for t, seen in enumerate(faces) if not seen] == [18]


def test_no_frame_is_searched_twice_and_long_clips_come_in_runs() -> None:
    truth = talking([0.05] * (LONGEST + 3))
    points = [placed(face_points(0.05)) for _ in truth]
    known = Known([[Face.around(face)] for face in points])
    frames = picture(points[0], 0).repeat(len(points), 1, 1, 1)
    frames[:, 0, 0, 0] = torch.arange(len(points)) % 256
    SparseDetector(known, every=4).detect(frames, tracked=True)
    assert len(known.asked) == len(set(known.asked)) == len(range(0, LONGEST, 4)) + 3


def test_unrelated_pictures_and_single_ones_are_searched_each() -> None:
    frames, known = clip(talking([0.05] * 9))
    SparseDetector(known, every=4).detect(frames)
    assert known.asked == list(range(9))
    assert len(SparseDetector(known, every=4).detect(frames[:1], tracked=True)) == 1


def test_known_points_are_kept_and_doubted_not() -> None:
    crops = torch.randint(0, 256, (9, 3, SIDE, SIDE), dtype=torch.uint8)
    here = torch.tensor([0, 4, 8])
    points = placed(face_points(), size=SIDE).expand(3, 68, 2) + torch.rand(3, 68, 2)
    guess = guess_points(crops, here, points)
    torch.testing.assert_close(guess.points[here], points.double())
    assert (guess.error[here] == 0).all()
    assert (guess.error[[1, 2, 3, 5, 6, 7]] > 0).all()


def test_what_goes_with_grey_values_is_learned() -> None:
    level = torch.rand(41, generator=torch.Generator().manual_seed(0)).double()
    crops = (100 + 100 * level)[:, None, None, None].expand(-1, 3, SIDE, SIDE).to(torch.uint8)
    truth = placed(face_points(), size=SIDE).expand(41, 68, 2).double().clone()
    truth[:, 60:68, 1] += 3 * level[:, None]
    here: Int64[Tensor, " k"] = torch.arange(0, 41, 4)
    guess = guess_points(crops, here, truth[here].float())
    assert (guess.points - truth)[:, 60:68, 1].abs().mean() < 0.1
    unmoved = move_points(guess.points, torch.eye(2, 3).expand(41, 2, 3))
    torch.testing.assert_close(unmoved[:, :48], truth[:, :48], atol=1e-3, rtol=0)
