from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from data_prep.corpora.cremad import EMOTIONS, LEVELS
from data_prep.puppets.expression import Expression
from data_prep.puppets.feeling import FACES, STRENGTHS, VOICES, feel, speak_with
from data_prep.puppets.people import draw_identity
from data_prep.puppets.puppet import Puppet
from data_prep.puppets.shape import face_points

WHO = draw_identity(5)
CALM = Expression(opening=0.1, jaw=0.3)


def points(emotion: str, strength: float = 1.0, now: Expression = CALM) -> NDArray[np.float64]:
    return face_points(WHO, feel(now, emotion, strength))


def corners(face: NDArray[np.float64]) -> float:
    """How far the corners of the mouth lie below the middle of the upper lip's lower edge."""
    return float(face[[48, 54], 1].mean() - face[62, 1])


def inner_brows(face: NDArray[np.float64]) -> float:
    return float(face[[21, 22], 1].mean())


def eyes(face: NDArray[np.float64]) -> float:
    """Height of the open eyes."""
    return float((face[[40, 41, 46, 47], 1] - face[[38, 37, 44, 43], 1]).mean())


def test_every_emotion_and_level_of_the_corpus_is_played() -> None:
    assert FACES.keys() == VOICES.keys() == EMOTIONS.keys()
    assert STRENGTHS.keys() == LEVELS.keys()
    assert feel(CALM, "NEU", 1.0) == CALM


def test_each_feeling_shows_where_it_does_in_people() -> None:
    calm = points("NEU")
    assert corners(points("HAP")) < corners(calm) - 0.05
    assert corners(points("SAD")) > corners(calm) + 0.05
    assert inner_brows(points("SAD")) < inner_brows(calm) - 0.08
    assert inner_brows(points("ANG")) > inner_brows(calm) + 0.08
    assert eyes(points("FEA")) > 1.3 * eyes(calm)
    assert eyes(points("DIS")) < 0.8 * eyes(calm)
    assert points("DIS")[51, 1] < calm[51, 1] - 0.03


@pytest.mark.parametrize("emotion", ["ANG", "DIS", "FEA", "HAP", "SAD"])
def test_a_higher_level_shows_more_in_points_and_pixels(emotion: str) -> None:
    puppet, calm = Puppet(WHO, 64), points("NEU")
    before = puppet.render(CALM).astype(float)
    moved, changed = [], []
    for level in ("LO", "MD", "HI"):
        strength = STRENGTHS[level]
        moved.append(float(np.abs(points(emotion, strength) - calm).mean()))
        after = puppet.render(feel(CALM, emotion, strength)).astype(float)
        changed.append(float(np.abs(after - before).mean()))
    assert 0 < moved[0] < moved[1] < moved[2]
    assert 0 < changed[0] < changed[1] < changed[2]


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_lips_that_meet_stay_closed_and_a_blink_stays_a_blink(emotion: str) -> None:
    held = points(emotion, now=Expression(press=1.0))
    np.testing.assert_allclose(held[61:64, 1], held[[67, 66, 65], 1], atol=1e-6)
    closed = feel(replace(CALM, blink=1.0), emotion, 1.0)
    assert closed.blink == 1.0


def test_anger_is_loud_and_fast_and_sadness_soft_and_slow() -> None:
    (angry, loud), (sad, soft) = (speak_with(WHO.voice, name, 1.0) for name in ("ANG", "SAD"))
    assert loud > soft
    assert angry.rate > WHO.voice.rate > sad.rate
    assert angry.intonation > sad.intonation
    assert speak_with(WHO.voice, "FEA", 0.0)[0] == WHO.voice
