import pytest
import torch

from talkface.faces import Face, NoFaceError, complete, follow
from talkface.faces.track import smooth
from tests.faces.drawn import face_points, placed


def face(x: float, size: float = 100.0) -> Face:
    return Face.around(placed(face_points(), size=size, corner=(x, 0.0)))


def test_the_largest_face_of_the_clip_is_followed_even_where_it_is_the_smaller_one() -> None:
    hero = [face(10.0 * t, 130.0 - 10 * t) for t in range(8)]
    other = [face(400.0, 90.0) for _ in range(8)]
    frames = [sorted(pair, key=lambda f: -f.area) for pair in zip(hero, other, strict=True)]
    assert frames[7][0] is other[7]
    assert torch.equal(follow(frames), torch.stack([f.landmarks for f in hero]))


def test_a_second_person_never_fills_a_gap() -> None:
    hero, other = face(0.0), face(300.0, 60.0)
    points = follow([[hero, other], [other], [hero, other]])
    assert points[1].isnan().all()
    assert torch.equal(points[0], hero.landmarks)


def test_no_face_at_all_is_an_error() -> None:
    with pytest.raises(NoFaceError, match="in any of the 3 frames"):
        follow([[], [], []])


def test_gaps_are_bridged_linearly_and_held_at_the_ends() -> None:
    points = torch.arange(10.0)[:, None, None].expand(10, 68, 2).clone()
    points[[0, 4, 5, 9]] = torch.nan
    filled, bridged = complete(points)
    assert bridged == 4
    assert filled[:, 0, 0].tolist() == [1, 1, 2, 3, 4, 5, 6, 7, 8, 8]


def test_a_long_gap_is_an_error_that_names_its_frames() -> None:
    points = torch.zeros(20, 68, 2)
    points[3:9] = torch.nan
    points[18] = torch.nan
    with pytest.raises(NoFaceError, match=r"No face in frames 3-8 of 20 \(gaps of up to 5"):
        complete(points)
    points[5] = 0.0
    assert complete(points)[1] == 6


def test_a_clip_without_any_point_is_an_error() -> None:
    with pytest.raises(NoFaceError, match="frames 0-2 of 3"):
        complete(torch.full((3, 68, 2), torch.nan))


def test_smoothing_keeps_lines_and_single_frames() -> None:
    line = torch.stack((torch.arange(12.0), 5 - 2 * torch.arange(12.0)), dim=1).double()
    torch.testing.assert_close(smooth(line, 3.0), line, atol=1e-5, rtol=0)
    torch.testing.assert_close(smooth(line[:1], 3.0), line[:1])


def test_smoothing_is_the_weighted_line_fit() -> None:
    path = torch.randn(15, 1, generator=torch.Generator().manual_seed(1)).double()
    t = torch.arange(15.0).double()
    weight = torch.exp(-0.5 * ((t - 4) / 2.0) ** 2) * ((t - 4).abs() <= 8)
    design = torch.stack((torch.ones(15).double(), t - 4), dim=1)
    fit = torch.linalg.lstsq(design * weight.sqrt()[:, None], path * weight.sqrt()[:, None])
    torch.testing.assert_close(smooth(path, 2.0)[4], fit.solution[0], atol=1e-6, rtol=0)
