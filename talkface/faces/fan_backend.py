"""Landmarks by the face-alignment package: S3FD boxes, then FAN heat-maps.

Bulat and Tzimiropoulos 2017, https://arxiv.org/abs/1703.07332.
"""

import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from talkface.faces.errors import LandmarkModelError
from talkface.faces.landmarks import Face, box_overlap, largest_first

EVERY = 5
"""Of consecutive pictures one in so many is searched for faces."""

SAME = 0.5
"""Least overlap of the boxes of one face in two searched pictures."""

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
        """Faces of every picture, largest first.

        Of ``tracked`` pictures every fifth is searched. Where it shows the same faces as the one
        before, their boxes are interpolated in between, else all are searched. The landmarks are
        found in every picture.
        """
        boxes = self._tracked(frames) if tracked else self._searched(frames)
        faces = []
        for first, batch in zip(range(0, len(frames), BATCH), frames.split(BATCH), strict=True):
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "No faces were detected")
                points, _, found = self._network.get_landmarks_from_batch(
                    batch.float(), detected_faces=boxes[first : first + BATCH], return_bboxes=True
                )
            faces += [_faces(some, around) for some, around in zip(points, found, strict=True)]
        return faces

    def _tracked(self, frames: UInt8[Tensor, "n 3 h w"]) -> list[Any]:
        """Boxes of consecutive pictures."""
        searched = sorted({*range(0, len(frames), EVERY), len(frames) - 1})
        boxes = dict(zip(searched, self._searched(frames[searched]), strict=True))
        lost: list[int] = []
        for first, last in pairwise(searched):
            pairs = _same_faces(boxes[first], boxes[last])
            for t in range(first + 1, last):
                share = (t - first) / (last - first)
                boxes[t] = [(1 - share) * one + share * other for one, other in pairs]
                lost += [] if pairs else [t]
        if lost:
            boxes |= dict(zip(lost, self._searched(frames[lost]), strict=True))
        return [boxes[t] for t in range(len(frames))]

    def _searched(self, frames: UInt8[Tensor, "n 3 h w"]) -> list[Any]:
        """Boxes of pictures, each searched."""
        return [boxes for batch in frames.split(BATCH) for boxes in self._boxes(batch)]

    def _boxes(self, batch: UInt8[Tensor, "n 3 h w"]) -> list[Any]:
        """Boxes of every picture; the detector expects float pixels in [0, 255]."""
        found: list[Any] = self._network.face_detector.detect_from_batch(batch.float())
        return found


def _same_faces(before: Any, after: Any) -> list[tuple[Any, Any]]:
    """The boxes of each face in two pictures; none if they do not show the same faces."""
    pairs = []
    for one in before:
        overlaps = [box_overlap(torch.tensor(one[:4]), torch.tensor(two[:4])) for two in after]
        best = int(np.argmax(overlaps)) if overlaps else -1
        if best < 0 or overlaps[best] < SAME:
            return []
        pairs.append((np.asarray(one), np.asarray(after[best])))
    return pairs if len(before) == len(after) == len({id(two) for _, two in pairs}) else []


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
