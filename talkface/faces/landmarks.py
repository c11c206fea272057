"""Facial landmarks through one interface, whatever network finds them.

Every backend answers in iBUG-68 order (Sagonas et al. 2013, https://ibug.doc.ic.ac.uk/resources/300-W/)
and in pixels of the picture it was given: x right, y down, pixel centres at integers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from talkface.faces.errors import LandmarkModelError

BACKENDS = ("mediapipe", "face-alignment")
"""Names that ``build_detector`` knows."""


@dataclass(frozen=True)
class Face:
    """One face of one picture.

    Attributes:
        landmarks: iBUG-68 points in pixels.
        box: Left, top, right and bottom of the face in pixels.
    """

    landmarks: Float[Tensor, "68 2"]
    box: Float[Tensor, "4"]

    @property
    def area(self) -> float:
        """Size of the box in square pixels."""
        left, top, right, bottom = self.box.tolist()
        return float((right - left) * (bottom - top))

    @classmethod
    def around(cls, landmarks: Float[Tensor, "68 2"]) -> "Face":
        """The face whose box is the bounding box of its ``landmarks``."""
        low, high = landmarks.aminmax(dim=0)
        return cls(landmarks, torch.cat((low, high)))


@runtime_checkable
class LandmarkDetector(Protocol):
    """Finds the faces of pictures."""

    def detect(
        self, frames: UInt8[Tensor, "n 3 h w"], *, tracked: bool = False
    ) -> list[list[Face]]:
        """Faces of every picture, largest first; an empty list where there is none.

        Args:
            frames: RGB pictures.
            tracked: The pictures are consecutive frames of one clip, so that a backend may
                search near where a face was; otherwise they are unrelated.

        Returns:
            As many lists as there are ``frames``.
        """
        ...


def build_detector(name: str, task: Path | None = None, device: str = "cpu") -> LandmarkDetector:
    """The backend called ``name``.

    Args:
        name: One of ``BACKENDS``.
        task: MediaPipe's ``face_landmarker.task``; needed by ``mediapipe`` only.
        device: Where the networks of ``face-alignment`` run.

    Raises:
        LandmarkModelError: Unknown name, or the package, file or download that it needs is
            missing.
    """
    if name == "mediapipe":
        from talkface.faces.mediapipe_backend import MediaPipeDetector  # noqa: PLC0415

        if task is None:
            raise LandmarkModelError(
                "The mediapipe backend needs its model file, and none was given. Download "
                "`face_landmarker.task` (MediaPipe Face Landmarker, float16) once and name it "
                "with `--task FILE` (`--evaluation.task FILE` for `talkface test`)."
            )
        return MediaPipeDetector(task)
    if name == "face-alignment":
        from talkface.faces.fan_backend import FaceAlignmentDetector  # noqa: PLC0415

        return FaceAlignmentDetector(device)
    raise LandmarkModelError(f"No landmark backend {name!r}. Choose one of {', '.join(BACKENDS)}.")


def largest_first(faces: Iterable[Face]) -> list[Face]:
    """``faces`` by falling area."""
    return sorted(faces, key=lambda face: face.area, reverse=True)


def box_overlap(one: Float[Tensor, "4"], other: Float[Tensor, "4"]) -> float:
    """Intersection over union of two boxes."""
    common = _area(torch.maximum(one[:2], other[:2]), torch.minimum(one[2:], other[2:]))
    union = _area(one[:2], one[2:]) + _area(other[:2], other[2:]) - common
    return common / union if union > 0 else 0.0


def _area(low: Float[Tensor, "2"], high: Float[Tensor, "2"]) -> float:
    return float((high - low).clamp(min=0).prod())
