"""Reading landmarks and movement with a landmark detector."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional as F

from talkface.metrics.head import Movement, movement


@runtime_checkable
class Detector(Protocol):
    """Finds the faces of pictures: what ``talkface.faces.LandmarkDetector`` promises."""

    def detect(
        self, frames: UInt8[Tensor, "n 3 h w"], *, tracked: bool = False
    ) -> Sequence[Sequence[Any]]:
        """Faces of every picture, largest first, each with ``landmarks`` of shape 68 x 2."""
        ...


class DetectorReader:
    """Landmarks that a detector finds in enlarged frames, and their movement.

    Detectors are made for pictures in which a face is larger than in a training crop and does not
    fill the frame, so crops are enlarged and surrounded by a repeated border first.

    Args:
        detector: Finds the landmarks.
        side: Side to which a crop is enlarged, in pixels.
        border: Width of the border, in pixels.
    """

    def __init__(self, detector: Detector, side: int = 288, border: int = 96) -> None:
        self.detector, self.side, self.border = detector, side, border

    def enlarge(self, frames: Float[Tensor, "t 3 S S"]) -> UInt8[Tensor, "t 3 L L"]:
        """The pictures as the detector sees them."""
        size = (self.side, self.side)
        frames = F.interpolate(frames.cpu(), size, mode="bicubic", antialias=True)
        frames = F.pad(frames, (self.border,) * 4, mode="replicate")
        return (frames.clamp(0, 1) * 255).round().to(torch.uint8)

    def landmarks(self, frames: Float[Tensor, "t 3 S S"]) -> Float[Tensor, "t 68 2"]:
        """iBUG-68 points of RGB frames in [0, 1], in their pixels; NaN where no face was found.

        Every frame is read on its own, so that no tracker smooths the movement.
        """
        landmarks = torch.full((len(frames), 68, 2), torch.nan)
        for index, faces in enumerate(self.detector.detect(self.enlarge(frames))):
            if faces:
                landmarks[index] = faces[0].landmarks
        return (landmarks + 0.5 - self.border) * (frames.shape[-1] / self.side) - 0.5

    def read(self, frames: Float[Tensor, "t 3 S S"]) -> Movement:
        """Movement in RGB frames in [0, 1], NaN where no face was found."""
        return movement(self.landmarks(frames))
