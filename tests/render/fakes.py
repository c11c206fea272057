"""A model and a detector whose answers can be read off, and files of every kind."""

import wave
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from talkface.data.media import write_video
from talkface.faces import Face

SIDE = 16
RATE = 16_000


class FakeModel:
    """Paints what it was told: red is the mouth, blue the face, green the identity.

    The mouth code of sound is the loudness of its patch, that of video its red; the face code is
    the blue of the video.
    """

    resolution = SIDE
    mfcc = "davs"
    device = torch.device("cpu")

    def __init__(self) -> None:
        self.identities = 0
        self.widest = 0

    def encode_portrait(self, image: Tensor) -> Tensor:
        self.identities += 1
        return image

    def encode_audio(self, mfcc: Tensor) -> Tensor:
        return torch.tanh(mfcc.mean(dim=(2, 3)) / 10)[..., None]

    def encode_video(self, frames: Tensor) -> Any:
        self.widest = max(self.widest, frames.shape[1])
        colour = frames.mean(dim=(3, 4))
        return SimpleNamespace(lips=colour[..., :1], face=colour[..., 2:])

    def render(self, mouth: Tensor, face: Tensor, identity: Tensor) -> Tensor:
        self.widest = max(self.widest, mouth.shape[1])
        green = identity[:, 1:2].mean(dim=(2, 3)).expand(*mouth.shape)
        colour = torch.cat((mouth, green, face), dim=2)
        return colour[..., None, None].expand(*colour.shape, SIDE, SIDE)


class FakeDetector:
    """Finds ``faces`` faces in every picture that is not black, each half as large as the last."""

    def __init__(self, faces: int = 1) -> None:
        self.faces = faces

    def detect(self, frames: Tensor, *, tracked: bool = False) -> list[list[Face]]:
        found = []
        for frame in frames:
            size = torch.tensor(frame.shape[1:]).flip(0).float()
            count = self.faces if frame.max() > 64 else 0
            found.append([Face.around(face_points() * size / 2**n) for n in range(count)])
        return found


def face_points() -> Tensor:
    """68 points of a schematic face in the middle of the unit square."""
    points = torch.zeros(68, 2)
    points[:17] = arc(17, 0.5, 0.45, 0.25, 0.0, np.pi)
    points[17:27] = torch.stack((torch.linspace(0.3, 0.7, 10), torch.full((10,), 0.38)), dim=1)
    points[27:36] = torch.stack((torch.full((9,), 0.5), torch.linspace(0.42, 0.55, 9)), dim=1)
    points[36:42] = arc(6, 0.42, 0.44, 0.03, 0.0, 5.2)
    points[42:48] = arc(6, 0.58, 0.44, 0.03, 0.0, 5.2)
    points[48:] = arc(20, 0.5, 0.62, 0.06, 0.0, 5.9)
    return points


def arc(count: int, x: float, y: float, radius: float, start: float, end: float) -> Tensor:
    angle = torch.linspace(start, end, count)
    return torch.stack((x + radius * angle.cos(), y + radius * angle.sin()), dim=1)


def tone(samples: int, loudness: float = 0.3) -> Tensor:
    """A tone that swells and fades three times a second, int16."""
    time = torch.arange(samples) / RATE
    wave_form = torch.sin(2 * torch.pi * 440 * time) * torch.sin(torch.pi * 3 * time).square()
    return (wave_form * loudness * 32767).round().to(torch.int16)


def write_wav(path: Path, sound: Tensor, rate: int = RATE, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(sound.repeat_interleave(channels).numpy().tobytes())
    return path


def write_picture(path: Path, level: int = 150, width: int = 64, height: int = 48) -> Path:
    """A grey picture; darker than 64 it shows no face."""
    Image.fromarray(np.full((height, width, 3), level, np.uint8)).save(path)
    return path


def blues(count: int, side: int = 48) -> Tensor:
    """Frames whose blue rises from frame to frame over a constant red."""
    frames = torch.full((count, 3, side, side), 100, dtype=torch.uint8)
    frames[:, 2] = torch.linspace(40, 220, count).to(torch.uint8)[:, None, None]
    return frames


def write_clip(path: Path, count: int = 10, *, sound: bool = True) -> Path:
    write_video(path, blues(count), tone(count * 640) if sound else None)
    return path


def write_truncated(path: Path) -> Path:
    """A video whose index promises more than the file holds."""
    whole = write_clip(path.with_suffix(".mov"), 60)
    options = {"movflags": "faststart"}
    with av.open(str(whole)) as source, av.open(str(path), "w", options=options) as copy:
        stream = copy.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                copy.mux(packet)
    whole.unlink()
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    return path
