from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from data_prep.puppets import FaceSettings, write_gallery
from data_prep.puppets.expression import Expression
from data_prep.puppets.people import draw_identity, elsewhere
from data_prep.puppets.portrait import draw_moment, draw_portrait, expose
from data_prep.puppets.puppet import Puppet

SIDE = 64
TINY = FaceSettings(identities=2, unseen_identities=1, pictures=2, unseen_pictures=1, side=32)
COUNTS = {"face000000": 2, "face000001": 1, "face000002": 2}


def test_another_day_changes_all_but_the_person() -> None:
    who = draw_identity(7)
    days = [elsewhere(who, np.random.default_rng(i)) for i in range(20)]
    for day in days:
        colours = replace(day.colours, clothes=who.colours.clothes, wall=who.colours.wall)
        style = replace(day.style, clothes=who.style.clothes, wall=who.style.wall)
        assert who == replace(
            day,
            colours=colours,
            style=style,
            light=who.light,
            zoom=who.zoom,
            offset=who.offset,
        )
    for changing in ("light", "zoom", "offset"):
        assert len({getattr(day, changing) for day in days}) > 15
    assert len({day.style.wall for day in days}) == 5
    assert len({day.style.clothes for day in days}) == 4


def test_moments_use_every_control_of_a_photograph() -> None:
    rng = np.random.default_rng(0)
    moments = [draw_moment(rng) for _ in range(400)]
    spread = {
        name: float(np.std([getattr(now, name) for now in moments])) for name in vars(moments[0])
    }
    for name in ("yaw", "pitch", "roll", "gaze_x", "gaze_y", "brow", "opening", "width", "jaw"):
        assert spread[name] > 0.04, name
    assert 0.05 < np.mean([now.blink == 1 for now in moments]) < 0.16
    assert 0.2 < np.mean([now.opening == 0 for now in moments]) < 0.5


def test_the_wall_is_another_one_and_the_person_stays() -> None:
    who = draw_identity(3)
    who = replace(who, style=replace(who.style, wall=1))
    pictures = [
        Puppet(who, SIDE, np.random.default_rng(seed)).render(Expression()).astype(int)
        for seed in (1, 2)
    ]
    changed = np.abs(pictures[0] - pictures[1]).max(axis=2)
    middle = slice(SIDE // 3, 2 * SIDE // 3)
    assert changed[middle, middle].max() == 0
    assert changed[:, : SIDE // 8].max() > 15


def test_exposures_differ_in_light_and_colour() -> None:
    grey = np.full((SIDE, SIDE, 3), 128, np.uint8)
    shots = [expose(grey, np.random.default_rng(seed)) for seed in range(50)]
    means = np.array([shot.mean(axis=(0, 1)) for shot in shots])
    assert means.mean(axis=1).std() > 8
    assert (means[:, 0] - means[:, 2]).std() > 3
    assert min(shot.std(axis=(0, 1)).min() for shot in shots) > 0.2


def test_points_lie_on_the_face(monkeypatch: pytest.MonkeyPatch) -> None:
    """The eyes are darker than the bridge of the nose between them."""
    monkeypatch.setattr("data_prep.puppets.portrait.expose", lambda picture, _rng: picture)
    picture, points = draw_portrait(3, 1, 256)
    assert points.shape == (68, 2)
    centre = points[36:48].reshape(2, 6, 2).mean(axis=1)
    between = points[27]
    assert _luma(picture, centre) < _luma(picture, between[None])


def test_pictures_of_a_person_are_taken_on_different_days() -> None:
    points = np.stack([draw_portrait(3, take, 32)[1] for take in range(8)])
    width = np.linalg.norm(points[:, 36] - points[:, 45], axis=1)
    assert width.std() / width.mean() > 0.04


def _luma(picture: NDArray[np.uint8], points: NDArray[np.float32]) -> float:
    x, y = np.round(points).astype(int).T
    return float(picture[y, x].mean())


def test_a_gallery_has_a_folder_per_person_with_points(tmp_path: Path) -> None:
    told: list[int] = []
    write_gallery(tmp_path, TINY, COUNTS, workers=0, on_pictures=told.append)
    assert told == [2, 1, 2]
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.jpg"))
    assert files == [
        "face000000/0000.jpg",
        "face000000/0001.jpg",
        "face000001/0000.jpg",
        "face000002/0000.jpg",
        "face000002/0001.jpg",
    ]
    for path in tmp_path.rglob("*.jpg"):
        with Image.open(path) as image:
            assert image.size == (32, 32)
        points = np.load(path.with_suffix(".landmarks.npy"))
        assert (points.shape, points.dtype) == ((1, 68, 2), np.float32)


def test_a_gallery_renders_what_is_missing_and_gives_the_same_again(tmp_path: Path) -> None:
    write_gallery(tmp_path, TINY, COUNTS, workers=0)
    paths = sorted(tmp_path.rglob("*.jpg"))
    pictures = [path.read_bytes() for path in paths]
    assert len(set(pictures)) == len(pictures)
    paths[1].unlink()
    kept = paths[0].stat().st_mtime_ns
    write_gallery(tmp_path, TINY, COUNTS, workers=0)
    assert [path.read_bytes() for path in paths] == pictures
    assert paths[0].stat().st_mtime_ns == kept
    other = tmp_path / "other"
    write_gallery(other, replace(TINY, seed=1), COUNTS, workers=0)
    assert {path.read_bytes() for path in other.rglob("*.jpg")}.isdisjoint(pictures)


def test_settings_without_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 32"):
        FaceSettings(side=50)
    with pytest.raises(ValueError, match="At most 100000 people"):
        FaceSettings(identities=99_990)
    assert [FaceSettings.side_for(side) for side in (20, 64, 128, 256)] == [32, 96, 192, 384]
