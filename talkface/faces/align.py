"""From source frames to the aligned square crop: one similarity per clip, a smoothed shift.

Aligning every frame by its own points makes the crop tremble with the detector's noise and nod
with every jaw movement. Here rotation and scale are fixed for the clip; only a shift follows the
head, and that is smoothed over time.
"""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from talkface.faces.errors import FaceError, NoFaceError
from talkface.faces.landmarks import LandmarkDetector
from talkface.faces.track import complete, follow, smooth

TEMPLATE: Final = ((0.34, 0.35), (0.66, 0.35), (0.5, 0.695))
"""Centres of the eye on the left, the eye on the right, and the mouth in the unit square."""

SMOOTHING = 3.0
"""Standard deviation in frames of the window that smooths the shift."""

STEADY = (27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 39, 42, 45)
"""Nose and corners of the eyes: points that neither speech nor blinks move."""


class AlignedImage(NamedTuple):
    """A cropped still face.

    Attributes:
        crop: The aligned square.
        transform: Source pixels to crop pixels.
        note: What the user should know, or None.
    """

    crop: UInt8[Tensor, "3 S S"]
    transform: Float[Tensor, "2 3"]
    note: str | None


@dataclass(frozen=True)
class AlignedClip:
    """A cropped moving face.

    Attributes:
        frames: The aligned squares.
        landmarks: Points in crop pixels.
        transforms: Source pixels to crop pixels, one for every frame.
        bridged: In how many frames the face was not found but interpolated.
    """

    frames: UInt8[Tensor, "n 3 S S"]
    landmarks: Float[Tensor, "n 68 2"]
    transforms: Float[Tensor, "n 2 3"]
    bridged: int = 0


def align_image(
    frame: UInt8[Tensor, "3 h w"], detector: LandmarkDetector, side: int
) -> AlignedImage:
    """Crop the largest face of a picture.

    Args:
        frame: RGB picture.
        detector: Finds the face.
        side: Side S of the crop in pixels.

    Raises:
        NoFaceError: There is no face.
    """
    faces = detector.detect(frame[None])[0]
    if not faces:
        height, width = frame.shape[-2:]
        raise NoFaceError(
            f"No face found in the picture of {width} x {height} pixels. Use one in which a face "
            "is seen from the front, upright, and not too small."
        )
    transforms = clip_transforms(faces[0].landmarks[None], side)
    note = f"{len(faces)} faces found; the largest is used." if len(faces) > 1 else None
    return AlignedImage(crop(frame[None], transforms, side)[0], transforms[0], note)


def align_clip(
    frames: UInt8[Tensor, "n 3 h w"], detector: LandmarkDetector, side: int
) -> AlignedClip:
    """Crop the largest face of a clip, followed through its frames.

    Args:
        frames: Consecutive RGB frames.
        detector: Finds the faces.
        side: Side S of the crops in pixels.

    Raises:
        NoFaceError: There is no face, or none for too long; the message names the frames.
    """
    return align_landmarks(frames, follow(detector.detect(frames, tracked=True)), side)


def align_landmarks(
    frames: UInt8[Tensor, "n 3 h w"], landmarks: Float[Tensor, "n 68 2"], side: int
) -> AlignedClip:
    """Crop a face whose points are known.

    Args:
        frames: Consecutive RGB frames.
        landmarks: Points in source pixels, NaN in frames where they are unknown.
        side: Side S of the crops in pixels.

    Raises:
        NoFaceError: The points are unknown for too long.
        FaceError: The points do not span a face.
    """
    points, bridged = complete(landmarks)
    transforms = clip_transforms(points, side)
    return AlignedClip(
        crop(frames, transforms, side), move_points(points, transforms), transforms, bridged
    )


def clip_transforms(landmarks: Float[Tensor, "n 68 2"], side: int) -> Float[Tensor, "n 2 3"]:
    """Transforms from source pixels to crop pixels: one similarity, then a shift per frame.

    The similarity takes the median shape of the clip (eye centres and mouth centre relative to the
    steady points) to ``TEMPLATE`` with the least squared error. The shift makes the smoothed
    centre of the steady points stay where the similarity puts their median.

    Args:
        landmarks: Points in source pixels, without NaN.
        side: Side S of the crop in pixels.

    Raises:
        FaceError: The points coincide, so that they have no scale.
    """
    points = landmarks.double()
    centre = points[:, list(STEADY)].mean(dim=1)
    parts = (points[:, 36:42], points[:, 42:48], points[:, 48:68])
    shape = torch.stack([part.mean(dim=1) for part in parts], dim=1) - centre[:, None]
    median = shape.median(dim=0).values
    target = points.new_tensor(TEMPLATE) * side - 0.5
    linear = _similarity(median - median.mean(dim=0), target - target.mean(dim=0))
    home = target.mean(dim=0) - linear @ median.mean(dim=0)
    shift = home - smooth(centre, SMOOTHING) @ linear.T
    matrices = torch.cat((linear.expand(len(points), 2, 2), shift[:, :, None]), dim=2)
    return matrices.float()


def crop(
    frames: UInt8[Tensor, "n 3 h w"], transforms: Float[Tensor, "n 2 3"], side: int
) -> UInt8[Tensor, "n 3 {side} {side}"]:
    """Warp frames into the aligned square; what lies outside a frame is mirrored at its edge.

    Where the crop is smaller than the face, it is sampled finer than a source pixel and averaged,
    so that nothing aliases.

    Args:
        frames: RGB frames.
        transforms: Source pixels to crop pixels.
        side: Side S of the crop in pixels.
    """
    scale = transforms[:, :, :2].det().abs().sqrt().min().item()
    finer = max(1, math.ceil(1 / scale)) if scale > 0 else 1
    fine = transforms.double() * finer
    fine[:, :, 2] += (finer - 1) / 2
    size, fine_size = (side, side), (side * finer, side * finer)
    pictures = frames.permute(0, 2, 3, 1).cpu().numpy()
    crops = np.empty((len(frames), side, side, 3), np.uint8)
    for picture, matrix, square in zip(pictures, fine.cpu().numpy(), crops, strict=True):
        exact = picture.astype(np.float32, order="C")  # of bytes OpenCV would round twice
        warped = cv2.warpAffine(exact, matrix, fine_size, borderMode=cv2.BORDER_REFLECT_101)
        square[:] = cv2.resize(warped, size, interpolation=cv2.INTER_AREA).round()
    return torch.from_numpy(crops).permute(0, 3, 1, 2).contiguous()


def move_points(
    points: Float[Tensor, "n p 2"], transforms: Float[Tensor, "n 2 3"]
) -> Float[Tensor, "n p 2"]:
    """Points of the source in pixels of the crop."""
    matrices = transforms.to(points)
    return points @ matrices[:, :, :2].mT + matrices[:, None, :, 2]


def _similarity(source: Float[Tensor, "p 2"], target: Float[Tensor, "p 2"]) -> Float[Tensor, "2 2"]:
    """Rotation and scale that take centred ``source`` to centred ``target`` (least squares)."""
    energy = source.square().sum()
    if not energy > 1e-6:  # noqa: PLR2004 - also catches NaN
        raise FaceError("The landmarks of eyes and mouth coincide: they are not those of a face.")
    cosine = (source * target).sum() / energy
    sine = (source[:, 0] * target[:, 1] - source[:, 1] * target[:, 0]).sum() / energy
    return torch.stack((torch.stack((cosine, -sine)), torch.stack((sine, cosine))))
