"""Speech synthesis with espeak-ng: the sound together with the time of every phoneme.

The engine comes as a shared library with its data in the wheel ``espeakng-loader``; nothing is
installed into the system.
"""

import importlib
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.puppets import espeak_process

_LONGEST_PATH = 140  # espeak-ng cuts its data path at 160 characters
_REINSTALL = 'If it should be there, run: pip install --force-reinstall "talkface[demo]".'


class SpeechEngineError(RuntimeError):
    """espeak-ng is not installed, cannot be started, or refused a voice."""


@dataclass(frozen=True)
class Voice:
    """How somebody speaks.

    Attributes:
        name: espeak-ng voice with variant, such as ``en-us+f3``.
        rate: Words per minute, 80 to 450.
        pitch: 0 to 100.
        intonation: Range of the pitch, 0 (monotone) to 100.
    """

    name: str
    rate: int = 165
    pitch: int = 50
    intonation: int = 50


@dataclass(frozen=True)
class Phoneme:
    """A phoneme in IPA without stress marks, with its times in seconds.

    Attributes:
        ipa: The symbol; empty for a pause.
        start: First moment, as the engine reports it (the burst for a voiceless stop).
        end: Start of the next phoneme.
        word: Index of the word, -1 in a pause.
        stress: 0 none, 1 secondary, 2 primary.
    """

    ipa: str
    start: float
    end: float
    word: int
    stress: int = 0


@dataclass(frozen=True)
class Speech:
    """What the engine said: int16 mono sound, its rate in Hz, and the phonemes in order."""

    sound: NDArray[np.int16]
    rate: int
    phonemes: tuple[Phoneme, ...]

    def word_span(self, word: int) -> tuple[float, float]:
        """First and last moment of a word in seconds."""
        inside = [p for p in self.phonemes if p.word == word]
        if not inside:
            msg = f"The speech has no word {word}, only {sorted({p.word for p in self.phonemes})}."
            raise SpeechEngineError(msg)
        return inside[0].start, inside[-1].end


def say(text: str, voice: Voice) -> Speech:
    """Synthesise English text; equal arguments give equal samples.

    Raises:
        SpeechEngineError: The engine is not installed or does not start, the voice does not
            exist, or nothing came out.
    """
    head, samples = _ask(text, voice)
    sound = np.frombuffer(samples, np.int16).copy()
    rate = head["rate"]
    return Speech(sound, rate, tuple(_phonemes(head["events"], len(sound), rate)))


def require_engine() -> None:
    """Fail early where the engine is not installed or does not start.

    Raises:
        SpeechEngineError: With what to do.
    """
    _ask(None, Voice(""))


def _ask(text: str | None, voice: Voice) -> tuple[dict[str, Any], bytes]:
    """What a new engine answers: rate and events, and the samples."""
    loader = _loader()
    request = {
        "library": str(loader.get_library_path()),
        "data": str(_short(Path(loader.get_data_path()).parent)),
        "voice": voice.name,
        "rate": voice.rate,
        "pitch": voice.pitch,
        "intonation": voice.intonation,
        "text": text,
    }
    command = [sys.executable, "-I", espeak_process.__file__]
    given = json.dumps(request).encode()
    run = subprocess.run(command, input=given, capture_output=True, check=False)
    head, _, samples = run.stdout.partition(b"\n")
    if run.returncode != 0:
        said = run.stderr.decode(errors="replace").strip() or f"status {run.returncode}"
        raise SpeechEngineError(f"espeak-ng ended abruptly ({said}). {_REINSTALL}")
    answer: dict[str, Any] = json.loads(head)
    if "error" in answer:
        raise SpeechEngineError(f"{answer['error']}. {_REINSTALL}")
    return answer, samples


def _loader() -> Any:
    try:
        return importlib.import_module("espeakng_loader")
    except ImportError as error:
        msg = (
            "The puppets speak with espeak-ng, which is not installed. "
            'Run: pip install "talkface[demo]"'
        )
        raise SpeechEngineError(msg) from error


@cache
def _short(home: Path) -> Path:
    """``home``, or a link to it where espeak-ng would cut its name."""
    if len(str(home)) <= _LONGEST_PATH:
        return home
    link = Path(tempfile.mkdtemp(prefix="espeak-")) / "data"
    link.symlink_to(home, target_is_directory=True)
    return link


def _phonemes(events: list[list[Any]], samples: int, rate: int) -> list[Phoneme]:
    """Phonemes of an event list; each ends where the next phoneme or pause starts."""
    found: list[tuple[str, int, int, int]] = []
    word = -1
    for kind, sample, text in events:
        if kind == espeak_process.EVENT_WORD:
            word += 1
        elif kind == espeak_process.EVENT_PHONEME:
            stress = 2 if "\u02c8" in text else 1 if "\u02cc" in text else 0
            ipa = text.strip("\u02c8\u02cc ")
            found.append((ipa, min(sample, samples), word if ipa else -1, stress))
    ends = [start for _, start, _, _ in found[1:]] + [samples]
    return [
        Phoneme(ipa, start / rate, max(end, start) / rate, word, stress)
        for (ipa, start, word, stress), end in zip(found, ends, strict=True)
    ]
