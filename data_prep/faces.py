"""Where the landmarks of a raw clip or picture come from: a detector, or a file beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from data_prep.corpora.raw import ClipError
from talkface.faces import (
    BACKENDS,
    TEMPLATE,
    Face,
    LandmarkDetector,
    SparseDetector,
    build_detector,
    follow,
)

SOURCES: Final = (*BACKENDS, "sidecar")
"""Values of ``--landmarks``."""

ARCFACE: Final = ((0.3464, 0.4660), (0.6610, 0.4643), (0.5057, 0.8284))
"""Eye on the left, eye on the right and mouth in the crops of InsightFace, in the unit square.

From the five points of its ``face_align.py``, given for 112 pixels (Deng et al. 2019,
https://arxiv.org/abs/1801.07698); the mouth is the middle of its corners.
"""

CROPS: Final = {"insightface": ARCFACE, "none": TEMPLATE}
"""Values of ``--landmarks`` for pictures that are crops already: where eyes and mouth are."""

SEARCH_EVERY: Final = {"mediapipe": 4}
"""One frame of a clip in so many is searched in any case, by backend; of others every frame is."""

SHAPE = (68, 2)


class LandmarkSource(Protocol):
    """Gives the faces of a clip, or the points of the largest."""

    def faces(self, frames: UInt8[Tensor, "n 3 h w"], sidecar: Path) -> list[list[Face]]:
        """All faces of every frame, largest first; arguments and errors as ``points``."""
        ...

    def points(self, frames: UInt8[Tensor, "n 3 h w"], sidecar: Path) -> Float[Tensor, "n 68 2"]:
        """Points in source pixels, NaN in frames where they are unknown.

        Args:
            frames: RGB frames of a clip, or one picture.
            sidecar: Where the points are if they were made together with the frames.

        Raises:
            ClipError: The sidecar is missing or damaged.
            NoFaceError: No frame has a face.
        """
        ...


@dataclass(frozen=True)
class DetectorSource:
    """Points found in the frames."""

    detector: LandmarkDetector

    def faces(self, frames: UInt8[Tensor, "n 3 h w"], sidecar: Path) -> list[list[Face]]:
        """All faces that are found."""
        return self.detector.detect(frames, tracked=len(frames) > 1)

    def points(self, frames: UInt8[Tensor, "n 3 h w"], sidecar: Path) -> Float[Tensor, "n 68 2"]:
        """The largest face of ``frames``, followed through the clip."""
        return follow(self.faces(frames, sidecar))


class SidecarSource:
    """Points from ``CLIP.landmarks.npy`` beside ``CLIP.mp4``, frames x 68 x 2."""

    def faces(self, frames: UInt8[Tensor, "n 3 h w"], sidecar: Path) -> list[list[Face]]:
        """The one face of every frame whose points are known."""
        return alone(self.points(frames, sidecar))

    def points(self, frames: UInt8[Tensor, "n 3 h w"], sidecar: Path) -> Float[Tensor, "n 68 2"]:
        """The stored points, after checking that they fit the frames."""
        if not sidecar.is_file():
            raise ClipError(f"No landmarks {sidecar}. Choose a detector with `--landmarks`.")
        try:
            stored = np.load(sidecar, allow_pickle=False)
        except (OSError, ValueError, EOFError, MemoryError) as error:
            raise ClipError(f"{sidecar} is not a NumPy array ({error}).") from error
        if not isinstance(stored, np.ndarray) or stored.dtype.kind not in "fiu":
            found = getattr(stored, "dtype", "an archive")
            raise ClipError(f"{sidecar} holds {found!s:.40}, expected float32.")
        if stored.shape != (len(frames), *SHAPE):
            raise ClipError(
                f"{sidecar} has shape {stored.shape}, expected {(len(frames), *SHAPE)}: frames "
                "(25 per second) x points x 2."
            )
        return torch.from_numpy(stored.astype(np.float32))


class CropSource:
    """Points of pictures that were cropped alike, so that eyes and mouth are where they should be.

    Only the centres of eyes and mouth are known; the alignment of a still picture needs no more.

    Args:
        centres: Eye on the left, eye on the right and mouth in the largest centred square, as
            shares of its side.
    """

    def __init__(self, centres: Sequence[tuple[float, float]]) -> None:
        left, right, mouth = (torch.tensor(centre) for centre in centres)
        middle = (left + right + mouth) / 3
        parts = ((middle, 36), (left, 6), (right, 6), (mouth, 20))
        self._unit = torch.cat([part.expand(count, 2) for part, count in parts])

    def faces(self, frames: UInt8[Tensor, "n 3 h w"], sidecar: Path) -> list[list[Face]]:
        """The one face of every frame whose points are known."""
        return alone(self.points(frames, sidecar))

    def points(self, frames: UInt8[Tensor, "n 3 h w"], sidecar: Path) -> Float[Tensor, "n 68 2"]:
        """The same points in every frame."""
        size = torch.tensor([frames.shape[-1], frames.shape[-2]], dtype=torch.float32)
        corner = (size - size.min()) / 2
        return (self._unit * size.min() + corner - 0.5).expand(len(frames), *SHAPE)


def alone(points: Float[Tensor, "n 68 2"]) -> list[list[Face]]:
    """Points of one face as a detector gives them: no face in frames where any is NaN."""
    return [[Face.around(face)] if face.isfinite().all() else [] for face in points]


def landmark_source(
    name: str, task: Path | None = None, device: str = "cpu", every: int = 1
) -> LandmarkSource:
    """The source called ``name``, one of ``SOURCES`` or ``CROPS``.

    Args:
        name: Of the source.
        task: Model file of MediaPipe.
        device: Where the networks of face-alignment run.
        every: One frame of a clip in so many is searched in any case; 1 searches all.

    Raises:
        LandmarkModelError: A network cannot be loaded.
    """
    if name in CROPS:
        return CropSource(CROPS[name])
    if name == "sidecar":
        return SidecarSource()
    detector = build_detector(name, task, device)
    return DetectorSource(detector if every == 1 else SparseDetector(detector, every))
