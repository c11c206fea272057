import torch
from jaxtyping import UInt8
from torch import Tensor

from data_prep.cuts import find_cuts
from data_prep.faces import alone
from talkface.faces import Face
from tests.faces.drawn import draw, face_points, placed


def scene(frames: int, corner: float, seed: int, level: int = 60) -> UInt8[Tensor, "n 3 h w"]:
    """A face that moves slowly in front of a wall of noise."""
    noise = torch.Generator().manual_seed(seed)
    wall = torch.randint(0, level, (3, 160, 200), generator=noise)
    track = [placed(face_points(), corner=(corner + t / 2, 20.0)) for t in range(frames)]
    return torch.stack([(draw(points) // 2 + wall).to(torch.uint8) for points in track])


def faces(frames: int, corner: float) -> list[list[Face]]:
    track = [placed(face_points(), corner=(corner + t / 2, 20.0)) for t in range(frames)]
    return alone(torch.stack(track))


def test_another_wall_and_another_place_is_a_cut() -> None:
    pictures = torch.cat((scene(20, 10, 0), scene(15, 80, 1, 120)))
    cuts = find_cuts(pictures, faces(20, 10) + faces(15, 80))
    assert [cut.frame for cut in cuts] == [20]
    assert cuts[0].change > 10 * cuts[0].usual


def test_motion_alone_is_no_cut() -> None:
    assert find_cuts(scene(40, 10, 0), faces(40, 10)) == []


def test_a_flash_is_no_cut() -> None:
    pictures = scene(30, 10, 0)
    pictures[12:14] = (pictures[12:14].int() + 90).clamp(max=255).to(torch.uint8)
    assert find_cuts(pictures, faces(30, 10)) == []


def test_a_jump_of_the_detector_alone_is_no_cut() -> None:
    assert find_cuts(scene(30, 10, 0), faces(15, 10) + faces(15, 90)) == []


def test_one_frame_has_no_cut() -> None:
    assert find_cuts(scene(1, 10, 0), faces(1, 10)) == []
