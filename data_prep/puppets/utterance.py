"""Clips of speech as LRW has them: a word in the middle of 1.16 s of running speech."""

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
_PAUSES = 0.25
_ATTEMPTS = 20
_LOUDNESS = 9000.0
_ROOM = 18.0


@dataclass(frozen=True)
class Utterance:
    """One clip's speech.

    Attributes:
        word: The word in the middle, as in `WORDS`.
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
            return _cut(word, text, speech, rng)
    msg = f"espeak-ng does not keep {word!r} apart from its neighbours with voice {voice.name!r}."
    raise SpeechEngineError(msg)


def _cut(word: str, text: str, speech: Speech, rng: np.random.Generator) -> Utterance:
    start, end = speech.word_span(_NEIGHBOURS)
    first = (start + end - SECONDS) / 2
    phonemes = tuple(
        Phoneme(p.ipa, p.start - first, p.end - first, p.word, p.stress) for p in speech.phonemes
    )
    wave = resample(torch.from_numpy(speech.sound).float(), speech.rate, SAMPLE_RATE).numpy()
    wave *= _LOUDNESS / max(float(np.abs(wave).max()), 1.0) * rng.uniform(0.7, 1.3)
    count = round(SECONDS * SAMPLE_RATE)
    clip = rng.normal(0, _ROOM, count)
    offset = round(first * SAMPLE_RATE)
    low, high = max(offset, 0), min(offset + count, len(wave))
    clip[low - offset : high - offset] += wave[low:high]
    sound = np.clip(np.round(clip), -32768, 32767).astype(np.int16)
    return Utterance(word, text, sound, phonemes, start - first, end - first)
