# ruff: noqa: RUF001 - the phonetic alphabet looks like others
import numpy as np
import pytest

from data_prep.puppets.espeak import Phoneme
from data_prep.puppets.viseme_table import VISEMES
from data_prep.puppets.visemes import articulate, segments

TIMES = np.arange(0, 1, 0.01)


def sequence(*sounds: str, seconds: float = 0.1, start: float = 0.2) -> tuple[Phoneme, ...]:
    edges = start + seconds * np.arange(len(sounds) + 1)
    return tuple(
        Phoneme(ipa, float(a), float(b), 0)
        for ipa, a, b in zip(sounds, edges[:-1], edges[1:], strict=True)
    )


def at(track: np.ndarray, time: float) -> float:
    return float(np.interp(time, TIMES, track))


@pytest.mark.parametrize("sound", ["m", "b", "p"])
def test_lips_meet_between_open_vowels(sound: str) -> None:
    phonemes = sequence("ɑː", sound, "ɑː")
    mouth = articulate(phonemes, TIMES)
    closed = TIMES[mouth.opening == 0]
    closed = closed[(closed > 0.22) & (closed < 0.45)]
    assert len(closed) >= 4
    assert mouth.opening.max() > 0.2


@pytest.mark.parametrize("sound", ["m", "b", "p"])
def test_a_closure_is_never_missed_at_25_frames_a_second(sound: str) -> None:
    for shift in np.linspace(0, 0.04, 9):
        times = np.arange(0, 0.6, 0.04) + shift
        middle = (times > 0.22) & (times < 0.42)
        mouth = articulate(sequence("ɑː", sound, "ɑː", seconds=0.08), times)
        assert mouth.opening[middle].min() == 0


def test_a_voiceless_stop_is_closed_before_its_burst() -> None:
    mouth = articulate(sequence("ɑː", "p", "ɑː"), TIMES)
    assert at(mouth.opening, 0.28) == 0
    assert at(mouth.opening, 0.36) > 0.03


def test_rounded_and_spread_vowels() -> None:
    rounded = articulate(sequence("uː", seconds=0.2), TIMES)
    spread = articulate(sequence("iː", seconds=0.2), TIMES)
    assert at(rounded.width, 0.3) < 0.75
    assert at(spread.width, 0.3) > 1.08
    assert at(rounded.rounding, 0.3) > 0.8


def test_neighbours_colour_a_sound() -> None:
    in_round = articulate(sequence("uː", "t", "uː"), TIMES)
    in_spread = articulate(sequence("iː", "t", "iː"), TIMES)
    assert at(in_round.width, 0.33) < at(in_spread.width, 0.33) - 0.1


def test_lower_lip_is_tucked_for_f_and_v() -> None:
    for sound in "fv":
        assert at(articulate(sequence("ɑː", sound, "ɑː"), TIMES).tuck, 0.35) > 0.7


def test_the_mouth_rests_before_and_after() -> None:
    mouth = articulate(sequence("ɑː"), TIMES)
    assert at(mouth.opening, 0.0) < 0.01
    assert at(mouth.opening, 0.9) < 0.01


def test_diphthongs_are_two_sounds() -> None:
    assert [part.ipa for part in segments(sequence("aɪ", "tʃ", "ɑː", "əl"))] == [
        "a", "ɪ", "tʃ", "ɑ", "ə", "l",
    ]  # fmt: skip


def test_every_viseme_is_possible() -> None:
    for target, dominance, reach in VISEMES.values():
        assert 0 <= target.opening <= 0.35
        assert 0.5 <= target.width <= 1.25
        assert all(0 <= value <= 1 for value in target[2:])
        assert dominance > 0
        assert reach > 0
