"""Talking faces of three spots, a detector that finds them, and a SyncNet without weights."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from talkface.data.media import write_video
from talkface.faces import Face
from tests.faces.drawn import draw, face_points, placed

WIDE = 0.12
"""Opening of a mouth whose spot is as bright as can be."""

SPEECH = (0.02, 0.05, 0.09, 0.04, 0.02, 0.08, 0.1, 0.06, 0.03, 0.02, 0.07, 0.02)
"""Openings of a clip of twelve frames."""


def face(opening: float, x: float = 60.0, size: float = 100.0) -> Tensor:
    """A picture whose blue spot is the brighter the wider the mouth is."""
    picture = draw(placed(face_points(), size, (x, 40.0)))
    picture[2] = (picture[2] * (0.4 + 0.6 * opening / WIDE)).byte()
    return picture


def talking(openings: Sequence[float] = SPEECH, *, dark: Sequence[int] = ()) -> Tensor:
    """Frames of a face that talks; no face is seen in those that are ``dark``."""
    frames = torch.stack([face(opening, 60 + i / 4) for i, opening in enumerate(openings)])
    frames[list(dark)] = 0
    return frames


def write(path: Path, frames: Tensor, *, sound: bool = False) -> Path:
    """A video, by default a silent one."""
    time = torch.arange(len(frames) * 640) / 16_000
    tone = (8000 * torch.sin(2 * torch.pi * 300 * time * (1 + time))).to(torch.int16)
    write_video(path, frames, tone if sound else None)
    return path


class Spots:
    """Finds the three spots of a face in pictures of any size, and reads the mouth off the blue."""

    def detect(self, frames: Tensor, *, tracked: bool = False) -> list[list[Face]]:
        return [self.faces(frame.float()) for frame in frames]

    @staticmethod
    def faces(frame: Tensor) -> list[Face]:
        if frame[0].max() < 100:
            return []
        left, right = centre(frame[0]), centre(frame[1])
        size = float(right[0] - left[0]) / 0.32
        opening = float((frame[2].max() / 255 - 0.4) / 0.6) * WIDE
        corner = left - size * torch.tensor([0.34, 0.35])
        points = placed(face_points(max(opening, 0.0)), size, (float(corner[0]), float(corner[1])))
        return [Face.around(points)]


def centre(spot: Tensor) -> Tensor:
    """Middle of the bright pixels, x before y."""
    weight = (spot - 100).clamp(min=0)
    y, x = torch.meshgrid(*(torch.arange(float(n)) for n in spot.shape), indexing="ij")
    return torch.stack(((weight * x).sum(), (weight * y).sum())) / weight.sum()


class Plain:
    """A SyncNet that hears how loud it is and sees how bright."""

    def audio(self, mfcc: Tensor) -> Tensor:
        return mfcc.mean((1, 2))[:, :8]

    def lips(self, video: Tensor) -> Tensor:
        return video.mean((1, 3, 4)).repeat(1, 2)[:, :8]

    def to(self, device: torch.device) -> object:
        return self
