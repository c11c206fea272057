"""Where the landmarks of a raw clip come from: a detector, or a file beside the video."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from data_prep.corpora.raw import ClipError, RawClip
from talkface.faces import BACKENDS, LandmarkDetector, build_detector, follow

SOURCES: Final = (*BACKENDS, "sidecar")
"""Values of ``--landmarks``."""

SHAPE = (68, 2)


class LandmarkSource(Protocol):
    """Gives the points of the one face of a clip."""

    def points(self, clip: RawClip, frames: UInt8[Tensor, "n 3 h w"]) -> Float[Tensor, "n 68 2"]:
        """Points in source pixels, NaN in frames where they are unknown."""
        ...


@dataclass(frozen=True)
class DetectorSource:
    """Points found in the frames."""

    detector: LandmarkDetector

    def points(self, clip: RawClip, frames: UInt8[Tensor, "n 3 h w"]) -> Float[Tensor, "n 68 2"]:
        """The largest face of ``frames``, followed through the clip."""
        return follow(self.detector.detect(frames, tracked=True))


class SidecarSource:
    """Points from ``CLIP.landmarks.npy`` beside ``CLIP.mp4``."""

    def points(self, clip: RawClip, frames: UInt8[Tensor, "n 3 h w"]) -> Float[Tensor, "n 68 2"]:
        """The stored points, after checking that they fit the video."""
        path = clip.sidecar
        if not path.is_file():
            raise ClipError(f"No landmarks {path}. Choose a detector with `--landmarks`.")
        try:
            stored = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise ClipError(f"{path} is not a NumPy array ({error}).") from error
        if stored.shape != (len(frames), *SHAPE):
            raise ClipError(
                f"{path} has shape {stored.shape}, but the video at 25 fps has {len(frames)} "
                f"frames: expected {(len(frames), *SHAPE)}."
            )
        return torch.from_numpy(stored.astype(np.float32))


def landmark_source(name: str, task: Path | None = None) -> LandmarkSource:
    """The source called ``name``, one of ``SOURCES``.

    Raises:
        LandmarkModelError: A network cannot be loaded.
    """
    return SidecarSource() if name == "sidecar" else DetectorSource(build_detector(name, task))
