"""One clip of the puppet corpus, from its seeds to its files."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from data_prep.puppets.expression import Expression
from data_prep.puppets.motion import draw_motion
from data_prep.puppets.people import draw_identity
from data_prep.puppets.puppet import Puppet, expressions
from data_prep.puppets.utterance import FRAMES, Utterance, speak
from data_prep.puppets.visemes import articulate
from talkface.data.durable import settle
from talkface.data.media import VideoWriter
from talkface.types import FPS

VERSION = 2
"""Part of every clip's key: raise it when the same seeds give other pictures or sounds."""

_QUALITY = 12
_PRESET = "veryfast"


@dataclass(frozen=True)
class Clip:
    """Which clip: everything else follows from it.

    Attributes:
        word: The word in the middle.
        split: ``train``, ``val`` or ``test``.
        number: Number of the clip among those of its word and split, from 1.
        identity: Seed of the person.
        take: Number of the clip among those of the person, from 0.
        side: Side of the pictures in pixels.
    """

    word: str
    split: str
    number: int
    identity: int
    take: int
    side: int

    @property
    def key(self) -> str:
        """Tells whether files on disk are this clip."""
        return f"{VERSION}/{self.identity}/{self.take}/{self.word}/{self.side}"

    @property
    def speaker(self) -> str:
        """Name of the person."""
        return f"puppet{self.identity:06d}"

    def path(self, root: Path, suffix: str) -> Path:
        """Where a file of the clip lies, as in LRW."""
        folder = root / "lipread_mp4" / self.word / self.split
        return folder / f"{self.word}_{self.number:05d}{suffix}"


@dataclass(frozen=True)
class Performance:
    """A clip before it is painted: what is said, and the controls of the face per frame."""

    utterance: Utterance
    moments: list[Expression]


def perform(clip: Clip) -> Performance:
    """Speak and move.

    Raises:
        SpeechEngineError: The engine is missing, or cannot say the word.
    """
    who = draw_identity(clip.identity)
    rng = np.random.default_rng([clip.identity, clip.take, 0xC11])
    utterance = speak(clip.word, who.voice, rng)
    times = (np.arange(FRAMES) + 0.5) / FPS
    effort = who.articulation * float(rng.uniform(0.92, 1.08))
    mouth = articulate(utterance.phonemes, times, effort)
    return Performance(utterance, expressions(mouth, draw_motion(rng, times, utterance.phonemes)))


def is_complete(root: Path, clip: Clip) -> bool:
    """Whether all files of exactly this clip are there."""
    sidecar = clip.path(root, ".json")
    others = (".mp4", ".txt", ".landmarks.npy")
    if not sidecar.is_file() or not all(clip.path(root, s).is_file() for s in others):
        return False
    try:
        return bool(json.loads(sidecar.read_text(encoding="utf-8"))["key"] == clip.key)
    except (ValueError, KeyError, TypeError):
        return False


def write_clips(root: Path, clips: list[Clip]) -> int:
    """Render clips; returns how many."""
    for clip in clips:
        _write_clip(root, clip)
    return len(clips)


@lru_cache(maxsize=1)
def puppet_of(identity: int, side: int) -> Puppet:
    """The person, painted once for clips that follow each other."""
    return Puppet(draw_identity(identity), side)


def _write_clip(root: Path, clip: Clip) -> None:
    performance = perform(clip)
    puppet = puppet_of(clip.identity, clip.side)
    clip.path(root, ".json").unlink(missing_ok=True)
    clip.path(root, "").parent.mkdir(parents=True, exist_ok=True)
    sound = torch.from_numpy(performance.utterance.sound)
    size = (clip.side, clip.side)
    video = clip.path(root, ".mp4")
    with VideoWriter(video, FPS, size, sound, crf=_QUALITY, preset=_PRESET) as writer:
        for now in performance.moments:
            frame = np.ascontiguousarray(puppet.render(now).transpose(2, 0, 1))
            writer.write(torch.from_numpy(frame)[None])
    points = np.stack([puppet.landmarks(now) for now in performance.moments])
    _aside(clip.path(root, ".landmarks.npy"), lambda path: _save(path, points))
    _write_text(clip.path(root, ".txt"), _metadata(clip, performance.utterance))
    _write_text(
        clip.path(root, ".json"), json.dumps(_sidecar(clip, performance.utterance), indent=1)
    )


def _metadata(clip: Clip, utterance: Utterance) -> str:
    """The text that LRW puts beside every clip."""
    lines = {
        "Disk reference": f"{clip.identity:08d}{clip.take:04d}",
        "Channel": "talkface puppets",
        "Program start": "1970-01-01 00:00:00",
        "Clip start": f"{utterance.start:.3f} seconds",
        "Clip end": f"{utterance.end:.3f} seconds",
        "Duration": f"{utterance.end - utterance.start:.3f} seconds",
    }
    return "".join(f"{key}: {value}\n" for key, value in lines.items())


def _sidecar(clip: Clip, utterance: Utterance) -> dict[str, object]:
    who = draw_identity(clip.identity)
    return {
        "speaker": clip.speaker,
        "word_start": round(utterance.start, 4),
        "word_end": round(utterance.end, 4),
        "text": utterance.text,
        "voice": who.voice.name,
        "phonemes": times_of(utterance),
        "key": clip.key,
    }


def times_of(utterance: Utterance) -> list[list[object]]:
    """Symbol, first and last moment of every phoneme, as the ``.json`` has them."""
    return [[p.ipa, round(p.start, 4), round(p.end, 4)] for p in utterance.phonemes]


def _save(path: Path, points: NDArray[np.float32]) -> None:
    with path.open("wb") as file:
        np.save(file, points)


def _write_text(path: Path, text: str) -> None:
    _aside(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def _aside(path: Path, write: Callable[[Path], object]) -> None:
    """Write under another name, then give the file its own."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        write(temporary)
        settle(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
