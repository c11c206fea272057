"""Landmarks by the face-alignment package: S3FD boxes, then FAN heat-maps.

Bulat and Tzimiropoulos 2017, https://arxiv.org/abs/1703.07332.
"""

import warnings
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from talkface.faces.errors import LandmarkModelError
from talkface.faces.landmarks import Face, largest_first

BATCH = 8
"""Frames whose faces are searched at once: bounds memory."""


class FaceAlignmentDetector:
    """``face_alignment.FaceAlignment`` (2D points) behind the interface of ``LandmarkDetector``."""

    def __init__(self, device: str = "cpu") -> None:
        """Load both networks; their weights are downloaded on first use.

        Args:
            device: Where the networks run: ``cpu``, ``cuda``, ``cuda:1`` ...

        Raises:
            LandmarkModelError: The package is missing, the download fails, or a file is damaged.
        """
        self._network = _load(device)

    def detect(
        self, frames: UInt8[Tensor, "n 3 h w"], *, tracked: bool = False
    ) -> list[list[Face]]:
        """Faces of every picture, largest first; every picture is searched, ``tracked`` or not."""
        faces = []
        for batch in frames.split(BATCH):
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "No faces were detected")
                points, _, boxes = self._network.get_landmarks_from_batch(
                    batch.float(), detected_faces=self._boxes(batch), return_bboxes=True
                )
            faces += [_faces(some, found) for some, found in zip(points, boxes, strict=True)]
        return faces

    def _boxes(self, batch: UInt8[Tensor, "n 3 h w"]) -> list[Any]:
        """Boxes of every picture; the detector expects float pixels in [0, 255]."""
        found: list[Any] = self._network.face_detector.detect_from_batch(batch.float())
        return found


def _faces(points: Any, boxes: Any) -> list[Face]:
    """Faces of one picture from the points of all of them, one after another."""
    if len(boxes) == 0:
        return []
    landmarks = torch.from_numpy(np.asarray(points, np.float32)).reshape(len(boxes), -1, 2)
    corners = torch.from_numpy(np.asarray(boxes, np.float32))[:, :4]
    return largest_first(Face(*face) for face in zip(landmarks, corners, strict=True))


def _load(device: str) -> Any:
    try:
        import face_alignment  # noqa: PLC0415
    except ImportError as error:
        raise LandmarkModelError(
            f"The face-alignment backend needs the package face-alignment ({error}). "
            "Install it with `pip install face-alignment`."
        ) from error
    try:
        return face_alignment.FaceAlignment(
            face_alignment.LandmarksType.TWO_D, device=device, compile=False, max_batch_size=BATCH
        )
    except (URLError, OSError, RuntimeError) as error:
        raise LandmarkModelError(_advice(error)) from error


def _advice(error: Exception) -> str:
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    return (
        f"The face-alignment networks could not be loaded ({error}). They are downloaded on first "
        "use; without a network put `s3fd-619a316812.pth` and `2DFAN4-11f355bf06.pth.tar` from "
        f"https://www.adrianbulat.com/downloads/python-fan/ into {folder} (delete damaged copies), "
        "or use the mediapipe backend, which runs offline from one file."
    )
