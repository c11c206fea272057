"""One recording of the puppets in the layout of CREMA-D, from its seeds to its files."""

import json
import wave
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from data_prep.corpora.cremad import SENTENCES, SOUNDS, VIDEOS
from data_prep.corpora.raw import SIDECAR
from data_prep.puppets.clip import Performance, puppet_of, times_of
from data_prep.puppets.feeling import STRENGTHS, feel, speak_with
from data_prep.puppets.motion import draw_motion
from data_prep.puppets.people import draw_identity
from data_prep.puppets.puppet import expressions
from data_prep.puppets.utterance import speak_sentence
from data_prep.puppets.visemes import articulate
from talkface.data.layout import write_aside
from talkface.types import FPS, SAMPLE_RATE

VERSION = 1
"""Part of every recording's key: raise it when the same seeds give other pictures or sounds."""

RATE = 30
"""Pictures per second, about what CREMA-D has."""

STEP = 0.2
"""Seconds of which every length is a multiple: whole at 25 and at 30 pictures per second."""

_QUANTIZER = "2"


@dataclass(frozen=True)
class Recording:
    """Which recording: everything else follows from it.

    Attributes:
        actor: Number of the person in this corpus, from 1001.
        identity: Seed of the person.
        sentence: One of ``SENTENCES``.
        emotion: One of ``EMOTIONS``.
        level: One of ``LEVELS``.
        take: Number of the recording among those of the person, from 0.
        side: Side of the pictures in pixels.
    """

    actor: int
    identity: int
    sentence: str
    emotion: str
    level: str
    take: int
    side: int

    @property
    def stem(self) -> str:
        """Name of the files."""
        return f"{self.actor}_{self.sentence}_{self.emotion}_{self.level}"

    @property
    def key(self) -> str:
        """Tells whether files on disk are this recording."""
        return f"{VERSION}/{self.identity}/{self.take}/{self.stem}/{self.side}"

    def video(self, root: Path, suffix: str = ".flv") -> Path:
        """The video, or a file beside it."""
        return root / VIDEOS / f"{self.stem}{suffix}"

    def sound(self, root: Path) -> Path:
        """The sound."""
        return root / SOUNDS / f"{self.stem}.wav"


def perform(recording: Recording) -> Performance:
    """Speak, move and feel.

    Raises:
        SpeechEngineError: The engine is missing.
    """
    who = draw_identity(recording.identity)
    rng = np.random.default_rng([recording.identity, recording.take, 0xC3E])
    strength = STRENGTHS[recording.level] * float(rng.uniform(0.9, 1.1))
    voice, loudness = speak_with(who.voice, recording.emotion, strength)
    text = SENTENCES[recording.sentence]
    utterance = speak_sentence(recording.sentence, text, voice, rng, STEP, loudness)
    times = (np.arange(round(len(utterance.sound) / SAMPLE_RATE * RATE)) + 0.5) / RATE
    effort = who.articulation * float(rng.uniform(0.92, 1.08))
    mouth = articulate(utterance.phonemes, times, effort)
    calm = expressions(mouth, draw_motion(rng, times, utterance.phonemes))
    onset = 0.75 + 0.25 * np.clip((times - utterance.start + 0.3) / 0.4, 0, 1)
    shown = [
        feel(now, recording.emotion, strength * float(part))
        for now, part in zip(calm, onset, strict=True)
    ]
    return Performance(utterance, shown)


def is_complete(root: Path, recording: Recording) -> bool:
    """Whether all files of exactly this recording are there."""
    sidecar = recording.video(root, ".json")
    others = recording.video(root), recording.sound(root), recording.video(root, SIDECAR)
    if not all(path.is_file() for path in (sidecar, *others)):
        return False
    try:
        return bool(json.loads(sidecar.read_text(encoding="utf-8"))["key"] == recording.key)
    except (ValueError, KeyError, TypeError):
        return False


def write_recordings(root: Path, recordings: list[Recording]) -> int:
    """Render recordings; returns how many."""
    for recording in recordings:
        _write(root, recording)
    return len(recordings)


def _write(root: Path, recording: Recording) -> None:
    performance = perform(recording)
    puppet = puppet_of(recording.identity, recording.side)
    sidecar = recording.video(root, ".json")
    sidecar.unlink(missing_ok=True)
    _write_flash(recording.video(root), [puppet.render(now) for now in performance.moments])
    _write_wave(recording.sound(root), performance.utterance.sound)
    seen = range(round(len(performance.moments) * FPS / RATE))
    points = [puppet.landmarks(performance.moments[round(t * RATE / FPS)]) for t in seen]
    with write_aside(recording.video(root, SIDECAR)) as file:
        np.save(file, np.stack(points))
    with write_aside(sidecar) as file:
        file.write(json.dumps(_sidecar(recording, performance), indent=1).encode())


def _write_flash(path: Path, pictures: list[NDArray[np.uint8]]) -> None:
    """A video as Flash has it, without sound."""
    options = {"qmin": _QUANTIZER, "qmax": _QUANTIZER}
    with write_aside(path) as file, av.open(file, "w", format="flv") as container:
        stream: VideoStream = container.add_stream("flv", rate=RATE, options=options)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


def _write_wave(path: Path, sound: NDArray[np.int16]) -> None:
    with write_aside(path) as file, wave.open(file, "wb") as writer:
        writer.setparams((1, 2, SAMPLE_RATE, 0, "NONE", "not compressed"))
        writer.writeframes(sound.astype("<i2").tobytes())


def _sidecar(recording: Recording, performance: Performance) -> dict[str, object]:
    utterance = performance.utterance
    return {
        "word_start": round(utterance.start, 4),
        "word_end": round(utterance.end, 4),
        "text": utterance.text,
        "voice": draw_identity(recording.identity).voice.name,
        "phonemes": times_of(utterance),
        "key": recording.key,
    }
