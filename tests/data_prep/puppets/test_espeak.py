# ruff: noqa: RUF001 - the phonetic alphabet looks like others
import builtins
import importlib
import time
from types import ModuleType

import numpy as np
import pytest

from data_prep.puppets.espeak import SpeechEngineError, Voice, require_engine, say

VOICE = Voice("en-us+f3")
needs_engine = pytest.mark.skipif(
    importlib.util.find_spec("espeakng_loader") is None, reason="needs talkface[demo]"
)


@needs_engine
def test_phoneme_times_are_ordered_and_inside_the_sound() -> None:
    speech = say("about people because", VOICE)
    starts = [p.start for p in speech.phonemes]
    assert starts == sorted(starts)
    assert all(p.start <= p.end for p in speech.phonemes)
    assert starts[0] >= 0
    assert speech.phonemes[-1].end == pytest.approx(len(speech.sound) / speech.rate)


@needs_engine
def test_phonemes_of_people() -> None:
    speech = say("about people because", VOICE)
    assert "".join(p.ipa for p in speech.phonemes if p.word == 1) == "piːpəl"
    assert [p.stress for p in speech.phonemes if p.word == 1][1] == 2


@needs_engine
def test_vowels_are_louder_than_pauses() -> None:
    speech = say("father, father", VOICE)

    def loudness(ipa: str) -> float:
        spans = [(p.start, p.end) for p in speech.phonemes if p.ipa == ipa and p.end > p.start]
        parts = [speech.sound[int(a * speech.rate) : int(b * speech.rate)] for a, b in spans]
        return float(np.abs(np.concatenate(parts).astype(float)).mean())

    assert loudness("ɑː") > 10 * loudness("")


@needs_engine
def test_neither_what_was_said_before_nor_the_time_changes_the_sound() -> None:
    first = say("about people because", VOICE)
    say("family church", Voice("en+m4", rate=140))
    time.sleep(1.1)  # the engine seeds its noise with the second
    again = say("about people because", VOICE)
    np.testing.assert_array_equal(first.sound, again.sound)
    assert first.phonemes == again.phonemes


@needs_engine
def test_pitch_and_rate_are_heard() -> None:
    slow = say("about people because", Voice("en-us+f3", rate=120))
    fast = say("about people because", Voice("en-us+f3", rate=220))
    assert len(slow.sound) > 1.3 * len(fast.sound)


@needs_engine
def test_an_unknown_voice_is_named() -> None:
    with pytest.raises(SpeechEngineError, match="no voice 'xx-none'"):
        say("people", Voice("xx-none"))


@needs_engine
def test_a_word_that_was_not_said() -> None:
    with pytest.raises(SpeechEngineError, match="no word 7"):
        say("people", VOICE).word_span(7)


def test_a_missing_engine_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def absent(name: str, package: str | None = None) -> ModuleType:
        if name == "espeakng_loader":
            raise builtins.ModuleNotFoundError(name)
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(SpeechEngineError, match=r'pip install "talkface\[demo\]"'):
        require_engine()
