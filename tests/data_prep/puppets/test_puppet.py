import time
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from data_prep.puppets import contact_sheet
from data_prep.puppets.expression import Expression
from data_prep.puppets.people import draw_identity
from data_prep.puppets.puppet import Puppet
from data_prep.puppets.warp import Warp

SIDE = 256
TURNED = Expression(yaw=0.15, pitch=-0.06, roll=0.08, shift_x=0.05, jaw=0.5)
POSES = (Expression(), TURNED, Expression(yaw=-0.2, pitch=0.1, roll=-0.05))
OPEN = {"opening": 0.26, "teeth": 0.0, "jaw": 0.8}


@pytest.fixture(scope="module", params=[3, 8, 10])
def puppet(request: pytest.FixtureRequest) -> Puppet:
    return Puppet(_bare(request.param), SIDE)


def _bare(seed: int):  # type: ignore[no-untyped-def]  # noqa: ANN202
    who = draw_identity(seed)
    return replace(who, style=replace(who.style, glasses=0, hair="bald", beard="none"))


def _at(picture: NDArray[np.uint8], point: NDArray[np.float32]) -> NDArray[np.float64]:
    spot = cv2.getRectSubPix(picture.astype(np.float32), (1, 1), tuple(map(float, point)))
    return spot.reshape(3).astype(float)


@pytest.mark.parametrize("pose", POSES)
def test_the_mouth_is_dark_between_62_and_66_when_open(puppet: Puppet, pose: Expression) -> None:
    now = replace(pose, **OPEN)
    points, picture = puppet.landmarks(now), puppet.render(now)
    gap = points[66] - points[62]
    deep = _at(picture, points[62] + 0.5 * gap)
    lip = _at(picture, points[66] + 0.5 * (points[57] - points[66]))
    assert deep.sum() < 0.6 * lip.sum()


@pytest.mark.parametrize("pose", POSES)
def test_the_painted_gap_is_as_high_as_the_landmarks_say(puppet: Puppet, pose: Expression) -> None:
    """Between 62 and 66, and nowhere else, an open mouth differs from a wider open one's lips."""
    now = replace(pose, **OPEN)
    points = puppet.landmarks(now)
    # The gap is what changes with the tongue and the teeth, which nothing else depends on.
    with_tongue = puppet.render(replace(now, tongue=0.7)).astype(float)
    without = puppet.render(replace(now, tongue=0.0)).astype(float)
    changed = np.abs(with_tongue - without).sum(axis=2) > 6
    rows, columns = np.nonzero(changed)
    hull = cv2.convexHull(points[60:68])
    outside = [
        cv2.pointPolygonTest(hull, (float(x), float(y)), True)
        for x, y in zip(columns, rows, strict=True)
    ]
    assert len(outside) > 50
    assert min(outside) > -2.5


def test_the_gap_of_the_landmarks_is_the_opening(puppet: Puppet) -> None:
    unit = Warp(puppet.who, Expression(), SIDE).to_pixels(np.array([[0.0, 0.0], [1.0, 0.0]]))
    for opening in (0.0, 0.08, 0.2):
        points = puppet.landmarks(Expression(opening=opening))
        expected = opening * float(unit[1, 0] - unit[0, 0])
        assert points[66, 1] - points[62, 1] == pytest.approx(expected, abs=1e-3)


def test_closed_lips_have_no_gap_and_show_no_teeth(puppet: Puppet) -> None:
    now = Expression(opening=0.0, press=1.0, teeth=1.0)
    points, picture = puppet.landmarks(now), puppet.render(now)
    np.testing.assert_allclose(points[61:64], points[[67, 66, 65]], atol=1e-3)
    columns = np.linspace(points[61], points[63], 9)
    lip = _at(picture, (points[57] + points[66]) / 2)
    assert all(_at(picture, point).sum() < lip.sum() for point in columns)


def test_lids_meet_in_a_blink(puppet: Puppet) -> None:
    opened, closed = puppet.landmarks(Expression()), puppet.landmarks(Expression(blink=1.0))
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        assert opened[lower, 1] - opened[upper, 1] > 5
        assert abs(closed[lower, 1] - closed[upper, 1]) < 1
    eye = opened[36:42].mean(axis=0)
    pupil = _at(puppet.render(Expression()), eye)
    lid = _at(puppet.render(Expression(blink=1.0)), eye)
    assert np.abs(pupil - lid).sum() > 40


def test_the_jaw_lowers_the_chin_and_nothing_above_the_mouth(puppet: Puppet) -> None:
    rest, lowered = puppet.landmarks(Expression()), puppet.landmarks(Expression(jaw=1.0))
    assert lowered[8, 1] - rest[8, 1] > 4
    np.testing.assert_allclose(lowered[17:48], rest[17:48], atol=1e-3)


def test_raised_brows_are_painted_where_their_landmarks_are(puppet: Puppet) -> None:
    for raised in (-0.8, 0.8):
        now = Expression(brow=raised)
        picture, points = puppet.render(now), puppet.landmarks(now)
        for brow in (19, 24):
            hair = _at(picture, points[brow])
            below = _at(picture, points[brow] + (0, 11))
            above = _at(picture, points[brow] - (0, 11))
            assert hair.sum() < min(below.sum(), above.sum())


def test_the_picture_moves_as_the_landmarks_do(puppet: Puppet) -> None:
    """The iris lies between the lids' landmarks in every pose: darkest near their centre."""
    for pose in POSES:
        points, picture = puppet.landmarks(pose), puppet.render(pose)
        for first in (36, 42):
            eye = points[first : first + 6]
            centre, corner = eye.mean(axis=0), eye[0] + 0.16 * (eye[3] - eye[0])
            assert _at(picture, centre).sum() < _at(picture, corner).sum()


def test_equal_seeds_give_equal_pictures() -> None:
    pictures = [Puppet(draw_identity(7), 64).render(TURNED) for _ in range(2)]
    np.testing.assert_array_equal(pictures[0], pictures[1])


def test_the_forward_map_has_the_inverse_that_is_painted_with(puppet: Puppet) -> None:
    warp = Warp(puppet.who, TURNED, SIDE)
    map_x, map_y = warp.sources(puppet.grid, SIDE)
    rows, columns = np.mgrid[40:240:20, 40:220:20]
    x = map_x[rows, columns].ravel() / puppet.grid.scale + puppet.grid.left
    y = map_y[rows, columns].ravel() / puppet.grid.scale + puppet.grid.top
    back = warp.to_pixels(np.stack([x, y], axis=1).astype(np.float64))
    wanted = np.stack([columns.ravel(), rows.ravel()], axis=1)
    assert np.abs(back - wanted).max() < 0.3


def test_a_side_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 32, found 100"):
        Puppet(draw_identity(0), 100)


def test_contact_sheet() -> None:
    sheet = contact_sheet(0, 7, 32)
    assert sheet.shape == (64, 192, 3)
    assert sheet.dtype == np.uint8
    assert sheet[32:, 32:].max() == 0
    with pytest.raises(ValueError, match="n=0"):
        contact_sheet(0, 0, 32)


@pytest.mark.slow
def test_rendering_is_faster_than_real_time_on_one_core() -> None:
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    puppet = Puppet(draw_identity(3), 128)
    puppet.render(TURNED)
    start = time.process_time()
    for _ in range(50):
        puppet.render(TURNED)
    rate = 50 / (time.process_time() - start)
    cv2.setNumThreads(threads)
    assert rate > 25
