"""Clips whose content tells the time: a face on a ground that brightens, a tone that sets in."""

import wave
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from tests.faces.drawn import draw, face_points, placed

FRAMES = 29
SECONDS = FRAMES / 25
ONSET = 0.6
"""When the tone sets in, in seconds."""

DARK, PER_FRAME = 30, 4
"""Grey level of the ground at the beginning, and by how much it rises in 1/25 s."""

CODECS = {
    ".mp4": ("libx264", "aac"),
    ".mpg": ("mpeg1video", "mp2"),
    ".flv": ("flv", None),
}


@dataclass(frozen=True)
class Film:
    """How a clip is made.

    Attributes:
        times: When its pictures are shown, in seconds.
        size: Width and height; (128, 96) is what the face is drawn for.
        turns: Quarter turns by which it is stored turned, to be turned back by who shows it.
        sound: Seconds of sound.
        rate: Samples per second.
        layout: Channels.
        index_first: Whether an MP4 begins with its index, so that it can be cut.
    """

    times: tuple[float, ...] = tuple(t / 25 for t in range(FRAMES))
    size: tuple[int, int] = (128, 96)
    turns: int = 0
    sound: float = SECONDS
    rate: int = 16_000
    layout: str = "mono"
    index_first: bool = False

    @property
    def scale(self) -> float:
        """How large the face is drawn."""
        return min(self.size[0] / 128, self.size[1] / 96)

    def points(self, times: Sequence[float]) -> Float[Tensor, "n 68 2"]:
        """Landmarks: the face moves right by half a pixel in 1/25 s."""
        track = [placed(face_points(), 60.0, (30 + 12.5 * t, 20.0)) for t in times]
        return torch.stack(track) * self.scale

    def picture(self, time: float) -> UInt8[np.ndarray, "h w 3"]:
        """What is seen at a moment."""
        times = max(int(self.scale), 1)  # large ones are drawn small: that is fast
        width, height = self.size[0] // times, self.size[1] // times
        points, sigma = self.points([time])[0] / times, 3.0 * self.scale / times
        face = draw(points, height, width, sigma).permute(1, 2, 0).numpy()
        face = face.repeat(times, axis=0).repeat(times, axis=1)
        level = np.uint8(min(DARK + PER_FRAME * 25 * time, 250))
        return np.ascontiguousarray(np.rot90(np.maximum(face, level), self.turns))

    def tone(self) -> Float[np.ndarray, " n"]:
        """What is heard."""
        time = np.arange(round(self.sound * self.rate)) / self.rate
        tone = 0.3 * np.sin(2 * np.pi * 440 * time) * (time >= ONSET)
        return np.asarray(tone, dtype=np.float32)


WHOLE = Film()
"""A healthy clip."""


def write_film(path: Path, film: Film = WHOLE, frames: int = FRAMES) -> None:
    """Write the clip, and the landmarks of so many frames of 1/25 s beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(filmed(film, path.suffix))
    np.save(path.with_suffix(".landmarks.npy"), film.points([t / 25 for t in range(frames)]))


def write_tone(path: Path, film: Film = WHOLE) -> None:
    """Write the sound of a clip on its own."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, film.rate, 0, "NONE", "not compressed"))
        file.writeframes((film.tone() * 32_767).astype("<i2").tobytes())


@cache
def filmed(film: Film, suffix: str) -> bytes:
    """What a file of the clip holds."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"film{suffix}"
        _encode(path, film)
        return path.read_bytes()


def _encode(path: Path, film: Film) -> None:
    video_codec, audio_codec = CODECS[path.suffix]
    options = {"movflags": "faststart"} if film.index_first else {}
    with av.open(str(path), "w", options=options) as container:
        video: Any = container.add_stream(video_codec, 25) if film.times else None
        sound: Any = None
        if audio_codec and film.sound:
            sound = container.add_stream(audio_codec, film.rate, layout=film.layout)
        if video:
            _add_pictures(container, video, film)
        if sound:
            _add_sound(container, sound, film)
    if film.turns:
        _turn(path, film.turns)


def _add_pictures(container: Any, stream: Any, film: Film) -> None:
    width, height = film.size if film.turns % 2 == 0 else film.size[::-1]
    even = width % 2 == height % 2 == 0
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p" if even else "yuv444p"
    if stream.codec.name == "libx264":
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.options = {"preset": "ultrafast", "crf": "18"}
    else:
        stream.bit_rate = 4_000_000
    base = stream.codec_context.time_base or Fraction(1, 25)
    for time in film.times:
        frame = av.VideoFrame.from_ndarray(film.picture(time), format="rgb24")
        frame.pts, frame.time_base = round(time / base), base
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _add_sound(container: Any, stream: Any, film: Film) -> None:
    resampler = av.AudioResampler(stream.format, film.layout, film.rate, stream.frame_size or 1152)
    channels = len(av.AudioLayout(film.layout).channels)
    samples = film.tone().repeat(channels)[None]
    frame = av.AudioFrame.from_ndarray(samples, format="flt", layout=film.layout)
    frame.sample_rate, frame.pts, frame.time_base = film.rate, 0, Fraction(1, film.rate)
    for part in [*resampler.resample(frame), *resampler.resample(None)]:
        container.mux(stream.encode(part))
    container.mux(stream.encode(None))


def _turn(path: Path, turns: int) -> None:
    """Ask players to turn the pictures of an MP4 back, by the matrix of its first track."""
    one = 1 << 16
    cos, sin = [(one, 0), (0, one), (-one, 0), (0, -one)][turns % 4]
    matrix = np.array([cos, sin, 0, -sin, cos, 0, 0, 0, 1 << 30], dtype=">i4").tobytes()
    content = bytearray(path.read_bytes())
    place = content.index(b"tkhd") + 44
    content[place : place + 36] = matrix
    path.write_bytes(content)
