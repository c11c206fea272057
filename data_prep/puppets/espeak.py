"""Speech synthesis with espeak-ng: the sound together with the time of every phoneme.

The engine comes as a shared library with its data in the wheel ``espeakng-loader``; nothing is
installed into the system. Events are the ones of ``espeak-ng/speak_lib.h``.
"""

import _ctypes
import ctypes
import importlib
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_RETRIEVAL_SYNCHRONOUS = 2
_PHONEME_EVENTS_IPA_DONT_EXIT = 0x8003
_UTF8 = 1
_RATE, _PITCH, _RANGE = 1, 3, 4
_EVENT_END, _EVENT_WORD, _EVENT_PHONEME = 0, 1, 7
_LONGEST_PATH = 140  # espeak-ng cuts its data path at 160 characters


class SpeechEngineError(RuntimeError):
    """espeak-ng is not installed, cannot be started, or refused a voice."""


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


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


class _Engine:
    """A freshly loaded espeak-ng.

    The library keeps state from one utterance to the next (phases, noise), so that what it says
    depends on what it said before. It is therefore loaded anew for each utterance, which takes
    milliseconds, and the C random numbers that it draws are seeded.
    """

    def __init__(self) -> None:
        loader = _loader()
        try:
            self._library = ctypes.CDLL(loader.get_library_path())
        except OSError as error:
            msg = (
                f"espeak-ng cannot be loaded ({error}). Reinstall it: pip install 'talkface[demo]'."
            )
            raise SpeechEngineError(msg) from error
        home = _short(Path(loader.get_data_path()).parent)
        self.rate: int = self._library.espeak_Initialize(
            _RETRIEVAL_SYNCHRONOUS, 0, str(home).encode(), _PHONEME_EVENTS_IPA_DONT_EXIT
        )
        if self.rate <= 0:
            msg = f"espeak-ng cannot read its data under {home}. Reinstall 'talkface[demo]'."
            raise SpeechEngineError(msg)
        self._chunks: list[NDArray[np.int16]] = []
        self._events: list[tuple[int, int, str]] = []
        self._callback = _CALLBACK(self._receive)  # kept: the library holds only its address
        self._library.espeak_SetSynthCallback(self._callback)

    def close(self) -> None:
        """Unload the library."""
        self._library.espeak_Terminate()
        _ctypes.dlclose(self._library._handle)

    def _receive(self, wave: Any, count: int, events: Any) -> int:
        if wave and count > 0:
            self._chunks.append(np.ctypeslib.as_array(wave, (count,)).copy())
        index = 0
        while events[index].type != _EVENT_END:
            event = events[index]
            text = event.id.string.decode("utf8", "ignore") if event.type == _EVENT_PHONEME else ""
            self._events.append((event.type, event.sample, text))
            index += 1
        return 0

    def say(self, text: str, voice: Voice) -> Speech:
        if self._library.espeak_SetVoiceByName(voice.name.encode()) != 0:
            msg = f"espeak-ng has no voice {voice.name!r}; try for instance 'en-us+f2'."
            raise SpeechEngineError(msg)
        for key, value in ((_RATE, voice.rate), (_PITCH, voice.pitch), (_RANGE, voice.intonation)):
            self._library.espeak_SetParameter(key, value, 0)
        data = text.encode()
        ctypes.CDLL(None).srand(1)  # last of all: other threads draw from the same numbers
        self._library.espeak_Synth(data, len(data) + 1, 0, 0, 0, _UTF8, None, None)
        if not self._chunks:
            msg = f"espeak-ng produced no sound for {text!r}."
            raise SpeechEngineError(msg)
        sound = np.concatenate(self._chunks)
        return Speech(sound, self.rate, tuple(_phonemes(self._events, len(sound), self.rate)))


def say(text: str, voice: Voice) -> Speech:
    """Synthesise English text; equal arguments give equal samples.

    Raises:
        SpeechEngineError: The engine is not installed or does not start, the voice does not
            exist, or nothing came out.
    """
    engine = _Engine()
    try:
        return engine.say(text, voice)
    finally:
        engine.close()


def require_engine() -> None:
    """Fail early where the engine is not installed or does not start.

    Raises:
        SpeechEngineError: With what to do.
    """
    _Engine().close()


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


def _phonemes(events: list[tuple[int, int, str]], samples: int, rate: int) -> list[Phoneme]:
    """Phonemes of an event list; each ends where the next phoneme or pause starts."""
    found: list[tuple[str, int, int, int]] = []
    word = -1
    for kind, sample, text in events:
        if kind == _EVENT_WORD:
            word += 1
        elif kind == _EVENT_PHONEME:
            stress = 2 if "\u02c8" in text else 1 if "\u02cc" in text else 0
            ipa = text.strip("\u02c8\u02cc ")
            found.append((ipa, min(sample, samples), word if ipa else -1, stress))
    ends = [start for _, start, _, _ in found[1:]] + [samples]
    return [
        Phoneme(ipa, start / rate, max(end, start) / rate, word, stress)
        for (ipa, start, word, stress), end in zip(found, ends, strict=True)
    ]
