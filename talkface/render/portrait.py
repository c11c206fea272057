"""The identity picture: found in a photo, a video or a tensor, and cut out."""

import logging
import mimetypes
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import interpolate

from talkface.data.media import MediaError, iter_video, read_image
from talkface.faces import Face, LandmarkDetector, clip_transforms, crop
from talkface.render.errors import NoFaceError, NotAlignedError

logger = logging.getLogger(__name__)

SEARCH_BATCH = 8
"""Video frames searched at once for the first face."""


class Portrait(NamedTuple):
    """An identity picture and its aligned crop.

    Attributes:
        crop: The aligned face.
        picture: The picture it was taken from.
        transform: From picture to crop pixels; ``None`` if the picture was aligned already.
    """

    crop: UInt8[Tensor, "3 S S"]
    picture: UInt8[Tensor, "3 h w"]
    transform: Float[Tensor, "2 3"] | None


def read_portrait(
    source: Path | UInt8[Tensor, "3 h w"],
    side: int,
    detector: LandmarkDetector | None,
    fps: float = 25.0,
) -> Portrait:
    """Cut the face out of a photo, or out of the first frame of a video that shows one.

    Args:
        source: Photo, video, or an RGB picture in memory.
        side: Side of the crop in pixels.
        detector: Finds the face; ``None`` says that the picture is an aligned crop already, which
            is then only scaled.
        fps: Frames per second at which a video is searched.

    Raises:
        NoFaceError: No face in the picture, or in any frame.
        NotAlignedError: Without a detector, the picture is not square.
        MediaError: The file cannot be read.
    """
    name = "the identity picture" if isinstance(source, Tensor) else str(source)
    searched = 0
    for pictures in _pictures(source, fps):
        if detector is None:
            return Portrait(square(pictures[:1], side, name)[0], pictures[0], None)
        for picture, faces in zip(pictures, detector.detect(pictures), strict=True):
            searched += 1
            if faces:
                return _cut(picture, faces, side, name)
    raise NoFaceError(name, searched)


def square(pictures: UInt8[Tensor, "n 3 h w"], side: int, name: str) -> UInt8[Tensor, "n 3 S S"]:
    """Scale pictures that are aligned crops already; ``name`` is what errors call them.

    Raises:
        NotAlignedError: They are not square.
    """
    height, width = pictures.shape[-2:]
    if height != width:
        raise NotAlignedError(name, width, height)
    if height == side:
        return pictures
    scaled = interpolate(pictures.float(), size=(side, side), mode="bilinear", antialias=True)
    return scaled.round().clamp(0, 255).to(pictures.dtype)


def _cut(picture: UInt8[Tensor, "3 h w"], faces: list[Face], side: int, name: str) -> Portrait:
    if len(faces) > 1:
        logger.warning("%d faces in %s: the largest is taken.", len(faces), name)
    transforms = clip_transforms(faces[0].landmarks[None], side)
    return Portrait(crop(picture[None], transforms, side)[0], picture, transforms[0])


def _pictures(
    source: Path | UInt8[Tensor, "3 h w"], fps: float
) -> Iterator[UInt8[Tensor, "_ 3 h w"]]:
    """The picture, or the frames of the video; an unknown kind of file is tried as both."""
    if isinstance(source, Tensor):
        yield source[None]
        return
    kind = (mimetypes.guess_type(source.name)[0] or "").partition("/")[0]
    if kind != "video":
        try:
            picture = read_image(source)
        except MediaError:
            if kind == "image" or not source.is_file() or source.stat().st_size == 0:
                raise
        else:
            yield picture[None]
            return
    yield from iter_video(source, fps, SEARCH_BATCH)
