"""Phonemes to movements of the mouth.

Every phoneme has a target for each control of the mouth and says how strongly it insists on it.
Targets blend over time in proportion to that dominance, which makes neighbours colour each other
(coarticulation by dominance functions: Cohen and Massaro 1993, "Modeling coarticulation in
synthetic visual speech"). Lips that must meet (m, b, p) then do meet, whatever surrounds them.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep.puppets.espeak import Phoneme
from data_prep.puppets.viseme_table import VISEMES, Viseme

VOICELESS_CLOSURE = 0.05
"""Seconds for which a voiceless stop is closed before the burst that espeak-ng reports."""


BILABIALS = frozenset("mbp")
_VOICELESS = frozenset(("p", "t", "k", "tʃ", "t̪"))
_LONGEST = 2


class Segment(NamedTuple):
    """A sound with the seconds in which it is articulated."""

    ipa: str
    start: float
    end: float


def segments(phonemes: tuple[Phoneme, ...]) -> list[Segment]:
    """Phonemes cut into single sounds (a diphthong into its two), as the mouth makes them.

    A voiceless stop is articulated from the closure on, which precedes the reported burst.
    """
    cut: list[Segment] = []
    for phoneme in phonemes:
        sounds = _sounds(phoneme.ipa)
        edges = np.linspace(phoneme.start, phoneme.end, len(sounds) + 1)
        for sound, start, end in zip(sounds, edges[:-1], edges[1:], strict=True):
            early = VOICELESS_CLOSURE if sound in _VOICELESS else 0.0
            cut.append(Segment(sound, float(start) - early, float(end) - 0.3 * early))
    return cut


def _sounds(ipa: str) -> list[str]:
    """The known sounds in an IPA string, longest first; unknown marks are passed over."""
    found, place = [], 0
    while place < len(ipa):
        for length in range(_LONGEST, 0, -1):
            if ipa[place : place + length] in VISEMES and place + length <= len(ipa):
                found.append(ipa[place : place + length])
                place += length
                break
        else:
            place += 1
    return found or [""]


@dataclass(frozen=True)
class Articulation:
    """Controls of the mouth at n moments, each (n,) float64; names as in `Target`.

    Attributes:
        press: Lips held together, 0 to 1; 1 means that the opening is exactly 0.
    """

    opening: NDArray[np.float64]
    width: NDArray[np.float64]
    rounding: NDArray[np.float64]
    jaw: NDArray[np.float64]
    tongue: NDArray[np.float64]
    teeth: NDArray[np.float64]
    tuck: NDArray[np.float64]
    press: NDArray[np.float64]


def articulate(
    phonemes: tuple[Phoneme, ...], times: NDArray[np.float64], effort: float = 1.0
) -> Articulation:
    """Movements of the mouth at ``times`` (n,) in seconds.

    Args:
        phonemes: What is said.
        times: Moments, in the clock of the phonemes; outside the speech the mouth rests.
        effort: Factor of the opening and of the jaw.
    """
    parts = segments(phonemes)
    before, after = parts[0].start, parts[-1].end
    parts = [Segment("", before - 2, before), *parts, Segment("", after, after + 2)]
    visemes = [VISEMES[part.ipa] for part in parts]
    targets = np.array([viseme.target for viseme in visemes])
    weights = _dominance(parts, visemes, times)
    tracks = (weights @ targets / weights.sum(axis=1, keepdims=True)).T
    press = _closure(parts, times)
    opening = tracks[0] * effort * (1 - press)
    jaw = tracks[3] * effort * (1 - 0.5 * press)
    return Articulation(
        opening, tracks[1], tracks[2], jaw, tracks[4], tracks[5], tracks[6] * (1 - press), press
    )


def _dominance(
    parts: list[Segment], visemes: list[Viseme], times: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weight of each segment at each time (n, segments): full inside its core, decaying outside."""
    start, end = (np.array([part[i] for part in parts], np.float64) for i in (1, 2))
    core = np.minimum(0.25 * (end - start), 0.05)
    distance = np.maximum(start + core - times[:, None], times[:, None] - (end - core))
    dominance, reach = (np.array([viseme[i] for viseme in visemes]) for i in (1, 2))
    decay = np.exp(-((np.maximum(distance, 0) / (reach + 0.4 * core)) ** 1.3))
    weights: NDArray[np.float64] = dominance * decay + 1e-6
    return weights


def _closure(parts: list[Segment], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 while lips meet for m, b, p, with ramps of 50 ms; held for one video frame at least."""
    closure = np.zeros_like(times)
    for part in parts:
        if part.ipa in BILABIALS:
            held = VOICELESS_CLOSURE if part.ipa in _VOICELESS else part.end - part.start - 0.01
            middle, half = part.start + held / 2, max(held, 0.044) / 2
            gap = np.maximum(np.abs(times - middle) - half, 0) / 0.05
            closure = np.maximum(closure, np.clip(1 - gap, 0, 1) ** 1.5)
    return closure
