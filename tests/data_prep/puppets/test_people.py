import numpy as np

from data_prep.puppets.expression import Expression
from data_prep.puppets.motion import draw_motion
from data_prep.puppets.people import draw_identity
from data_prep.puppets.puppet import Puppet

TIMES = (np.arange(29) + 0.5) / 25


def test_a_seed_is_a_person() -> None:
    assert draw_identity(5) == draw_identity(5)


def test_two_hundred_people_all_differ() -> None:
    people = [draw_identity(seed) for seed in range(240)]
    looks = {(p.bones, p.eyes, p.brows, p.lips, p.colours, p.style) for p in people}
    assert len(looks) == 240
    assert len({p.style.hair for p in people}) == 9
    assert len({p.voice for p in people}) > 200
    assert len({p.voice.name for p in people}) > 30


def test_skin_covers_the_human_range_from_light_to_dark() -> None:
    red, green, blue = np.array([draw_identity(seed).colours.skin for seed in range(200)]).T
    assert red.min() < 0.10
    assert red.max() > 0.8
    assert np.all(red > green)
    assert np.all(green > blue)


def test_people_look_different() -> None:
    rest = Expression()
    pictures = [Puppet(draw_identity(s), 64).render(rest).astype(float) for s in range(6)]
    distances = [np.abs(a - b).mean() for i, a in enumerate(pictures) for b in pictures[:i]]
    assert min(distances) > 5


def test_motion_follows_its_seed_alone_and_stays_small() -> None:
    tracks = [vars(draw_motion(np.random.default_rng(seed), TIMES)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(tracks[0]["yaw"], tracks[1]["yaw"])
    assert np.abs(tracks[0]["yaw"] - tracks[2]["yaw"]).max() > 0.01
    for seed in range(50):
        motion = draw_motion(np.random.default_rng(seed), TIMES)
        assert np.abs(motion.yaw).max() <= 0.28
        assert np.abs(np.diff(motion.yaw)).max() < 0.05
        assert 0 <= motion.blink.min() <= motion.blink.max() <= 1


def test_lids_close_fully_in_a_blink_and_blinks_are_neither_rare_nor_constant() -> None:
    blinks = [draw_motion(np.random.default_rng(seed), TIMES).blink.max() for seed in range(200)]
    assert max(blinks) > 0.99
    assert 0.25 < np.mean(np.array(blinks) > 0.8) < 0.75
