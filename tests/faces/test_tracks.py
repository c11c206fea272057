import torch

from talkface.faces import Face, overlap, tracks
from tests.faces.drawn import face_points, placed


def face(x: float, size: float = 100.0) -> Face:
    return Face.around(placed(face_points(), size=size, corner=(x, 0.0)))


def test_overlap_is_intersection_over_union() -> None:
    assert overlap(face(0), face(0)) == 1
    assert overlap(face(0), face(200)) == 0
    width = float(face(0).box[2] - face(0).box[0])
    assert abs(overlap(face(0), face(width / 2)) - 1 / 3) < 1e-5


def test_faces_keep_their_tracks_when_their_order_changes() -> None:
    one, other = [face(t) for t in range(8)], [face(200 - 2 * t, 90) for t in range(8)]
    frames = [[a, b] if t % 2 else [b, a] for t, (a, b) in enumerate(zip(one, other, strict=True))]
    found = tracks(frames)
    firsts = {float(points[0, 0, 0]) for points in found}
    assert firsts == {float(one[0].landmarks[0, 0]), float(other[0].landmarks[0, 0])}
    assert all(points.isfinite().all() for points in found)


def test_a_short_gap_is_one_track_and_a_long_one_two() -> None:
    here = face(0)
    assert len(tracks([[here], *[[]] * 5, [here]])) == 1
    assert len(tracks([[here], *[[]] * 6, [here]])) == 2


def test_the_longest_track_comes_first() -> None:
    found = tracks([[face(0)], [face(0), face(300)], [face(300)], [face(300)]])
    assert [int(points[:, 0, 0].isfinite().sum()) for points in found] == [3, 2]
    assert tracks([[], []]) == []
    assert torch.isnan(found[0][0]).all()
