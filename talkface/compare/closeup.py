"""Landmarks in videos in which the face fills the picture."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional as F

from talkface.faces import Face, LandmarkDetector

SIDE = 288
"""Shorter side in pixels to which smaller pictures are enlarged."""

BORDER = 96
"""Pixels of repeated border around an enlarged picture."""

CHUNK = 16


class CloseUp:
    """Shows a detector small pictures enlarged and with a border, as it finds faces in best.

    Detectors are made for pictures in which a face does not fill the frame, while many methods give
    tight crops of 96 to 256 pixels. Points come back in pixels of the picture that was given.

    Args:
        detector: Finds the faces.
        below: Pictures whose shorter side is less are shown so; None for all of them.
    """

    def __init__(self, detector: LandmarkDetector, below: int | None = SIDE) -> None:
        self.detector, self.below = detector, below

    def detect(
        self, frames: UInt8[Tensor, "n 3 h w"], *, tracked: bool = False
    ) -> list[list[Face]]:
        """Faces of every picture, largest first."""
        if self.below is not None and min(frames.shape[2:]) >= self.below:
            return self.detector.detect(frames, tracked=tracked)
        shown = enlarged(frames)
        height, width = frames.shape[2:]
        size = torch.tensor([shown.shape[3] - 2 * BORDER, shown.shape[2] - 2 * BORDER])
        scale = torch.tensor([width, height]) / size
        found = self.detector.detect(shown, tracked=tracked)
        return [[_back(face, scale) for face in faces] for faces in found]


def enlarged(frames: UInt8[Tensor, "n 3 h w"]) -> UInt8[Tensor, "n 3 H W"]:
    """Pictures at least ``SIDE`` pixels high and wide, with ``BORDER`` more on every side."""
    height, width = frames.shape[2:]
    scale = max(1.0, SIDE / min(height, width))
    size = (round(height * scale), round(width * scale))
    parts = []
    for part in frames.split(CHUNK):
        larger = F.interpolate(part.float(), size, mode="bicubic")
        bordered = F.pad(larger, (BORDER,) * 4, mode="replicate")
        parts.append(bordered.round().clamp(0, 255).to(torch.uint8))
    return torch.cat(parts)


def _back(face: Face, scale: Float[Tensor, "2"]) -> Face:
    """A face in pixels of the picture before it was enlarged."""
    points = (face.landmarks + 0.5 - BORDER) * scale - 0.5
    box = (face.box.reshape(2, 2) + 0.5 - BORDER) * scale - 0.5
    return Face(points, box.flatten())
