"""Faces in pictures: where they are, their 68 points, and the crop that networks see."""

from talkface.faces.align import (
    TEMPLATE,
    AlignedClip,
    AlignedImage,
    align_clip,
    align_image,
    clip_transforms,
    crop,
    move_points,
)
from talkface.faces.between import SparseDetector
from talkface.faces.errors import FaceError, LandmarkModelError, NoFaceError
from talkface.faces.landmarks import BACKENDS, Face, LandmarkDetector, build_detector
from talkface.faces.track import complete, follow
from talkface.faces.tracks import overlap, tracks

__all__ = [
    "BACKENDS",
    "TEMPLATE",
    "AlignedClip",
    "AlignedImage",
    "Face",
    "FaceError",
    "LandmarkDetector",
    "LandmarkModelError",
    "NoFaceError",
    "SparseDetector",
    "align_clip",
    "align_image",
    "build_detector",
    "clip_transforms",
    "complete",
    "crop",
    "follow",
    "move_points",
    "overlap",
    "tracks",
]
