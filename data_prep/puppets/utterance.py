"""Clips of speech: a word in the middle of 1.16 s as LRW has them, or a sentence by itself."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torchaudio.functional import resample

from data_prep.puppets.espeak import Phoneme, Speech, SpeechEngineError, Voice, say
from talkface.types import FPS, SAMPLE_RATE

FRAMES = 29
"""Frames of a clip."""

SECONDS = FRAMES / FPS

WORDS: tuple[str, ...] = (
    "ABOUT", "ALWAYS", "BECAUSE", "BEFORE", "BELIEVE", "BUSINESS", "CHILDREN", "CHOICE", "CHURCH",
    "COMPANY", "FAMILY", "FIVE", "FOLLOW", "FOOD", "FOOTBALL", "HOME", "HOSPITAL", "HOUSE", "JUDGE",
    "MEASURE", "MORNING", "MOVEMENT", "NEVER", "NUMBER", "OFTEN", "PEOPLE", "PHONE", "POLICE",
    "POWER", "PROBLEM", "PUBLIC", "QUESTION", "REPORT", "SCHOOL", "SOUTH", "SUPPORT", "SURE",
    "THINK", "THOUSAND", "TOGETHER", "VALUE", "VERY", "WATER", "WEATHER", "WELCOME", "WITHIN",
    "WOMAN", "WORLD",
)  # fmt: skip
"""The vocabulary: 48 common words that look different on the lips."""

_NEIGHBOURS = 2
_SILENCE = (0.3, 0.6)
_PAUSES = 0.25
_ATTEMPTS = 20
_LOUDNESS = 9000.0
_ROOM = 18.0


@dataclass(frozen=True)
class Utterance:
    """One clip's speech.

    Attributes:
        word: The word in the middle, as in `WORDS`, or the name of the sentence.
        text: Everything that was said, of which the clip holds a part.
        sound: int16 mono at 16 kHz, as long as the clip.
        phonemes: What is heard, in seconds of the clip; neighbours may lie outside of it.
        start: First moment of the word in seconds of the clip.
        end: Last moment of the word.
    """

    word: str
    text: str
    sound: NDArray[np.int16]
    phonemes: tuple[Phoneme, ...]
    start: float
    end: float


def speak(word: str, voice: Voice, rng: np.random.Generator) -> Utterance:
    """Say ``word`` between random neighbours; the cut centres it.

    Raises:
        SpeechEngineError: The engine is missing, or cannot say the word as one word.
    """
    for _ in range(_ATTEMPTS):
        around = [w for w in rng.permutation(WORDS) if w != word][: 2 * _NEIGHBOURS]
        words = [*around[:_NEIGHBOURS], word, *around[_NEIGHBOURS:]]
        text = (", " if rng.random() < _PAUSES else " ").join(words).lower()
        speech = say(text, voice)
        if 1 + max(p.word for p in speech.phonemes) == len(words):
            start, end = speech.word_span(_NEIGHBOURS)
            return _cut(word, text, speech, rng, (start, end), (start + end - SECONDS) / 2)
    msg = f"espeak-ng does not keep {word!r} apart from its neighbours with voice {voice.name!r}."
    raise SpeechEngineError(msg)


def speak_sentence(
    name: str, text: str, voice: Voice, rng: np.random.Generator, step: float, loudness: float = 1.0
) -> Utterance:
    """Say ``text`` with silence before and after it.

    Args:
        name: What the sentence is called.
        text: The sentence.
        voice: Who says it, and how.
        rng: Draws the silence, the room and the loudness.
        step: Seconds of which the length is a multiple.
        loudness: Factor.

    Raises:
        SpeechEngineError: The engine is missing.
    """
    speech = say(text, voice)
    inside = [p for p in speech.phonemes if p.word >= 0]
    start, end = inside[0].start, inside[-1].end
    before, after = rng.uniform(*_SILENCE), rng.uniform(*_SILENCE)
    seconds = step * math.ceil((before + end - start + after) / step)
    return _cut(name, text, speech, rng, (start, end), start - before, seconds, loudness)


def _cut(
    word: str,
    text: str,
    speech: Speech,
    rng: np.random.Generator,
    span: tuple[float, float],
    first: float,
    seconds: float = SECONDS,
    loudness: float = 1.0,
) -> Utterance:
    """The part of ``speech`` from ``first`` on; ``span`` is when the word is said in it."""
    start, end = span
    phonemes = tuple(
        Phoneme(p.ipa, p.start - first, p.end - first, p.word, p.stress) for p in speech.phonemes
    )
    wave = resample(torch.from_numpy(speech.sound).float(), speech.rate, SAMPLE_RATE).numpy()
    wave *= _LOUDNESS / max(float(np.abs(wave).max()), 1.0) * rng.uniform(0.7, 1.3)
    wave *= loudness
    count = round(seconds * SAMPLE_RATE)
    clip = rng.normal(0, _ROOM, count)
    offset = round(first * SAMPLE_RATE)
    low, high = max(offset, 0), min(offset + count, len(wave))
    clip[low - offset : high - offset] += wave[low:high]
    sound = np.clip(np.round(clip), -32768, 32767).astype(np.int16)
    return Utterance(word, text, sound, phonemes, start - first, end - first)
