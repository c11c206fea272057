"""A driving video: faces found in a first pass, crops streamed in a second."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from jaxtyping import Float, UInt8
from torch import Tensor
from tqdm import tqdm

from talkface.data.media import iter_video
from talkface.faces import Face, LandmarkDetector, clip_transforms, complete, crop, follow
from talkface.render.errors import NoFaceError, RenderError
from talkface.render.portrait import square
from talkface.types import FPS

logger = logging.getLogger(__name__)


class Driving(NamedTuple):
    """A driving video that has been searched; its crops are read anew each time.

    Attributes:
        path: The video.
        frames: Frames it has at 25 per second.
        transforms: From frame to crop pixels; ``None`` if its frames are aligned crops already.
        side: Side of the crops.
        batch: Frames decoded at once.
    """

    path: Path
    frames: int
    transforms: Float[Tensor, "n 2 3"] | None
    side: int
    batch: int

    def crops(self) -> Iterator[UInt8[Tensor, "_ 3 S S"]]:
        """Decode and cut, one run at a time."""
        first = 0
        for run in iter_video(self.path, FPS, self.batch):
            if self.transforms is None:
                yield square(run, self.side, str(self.path))
            else:
                yield crop(run, self.transforms[first : first + len(run)], self.side)
            first += len(run)


def scan_driving(
    path: Path,
    side: int,
    detector: LandmarkDetector | None,
    batch: int = 16,
    *,
    progress: bool = False,
) -> Driving:
    """Find the face in every frame of a driving video; only landmarks are kept in memory.

    Where a frame shows no face its landmarks are interpolated between the frames around it. Where
    there are several, the largest of the video is followed. Both are logged.

    Args:
        path: The video.
        side: Side of the crops in pixels.
        detector: Finds faces; ``None`` says that the frames are aligned crops already.
        batch: Frames decoded and searched at once.
        progress: Show a progress bar.

    Raises:
        NoFaceError: No frame shows a face.
        NotAlignedError: Without a detector, the frames are not square.
        MediaError: The video cannot be read to its end, or has no picture.
    """
    faces: list[list[Face]] = []
    with tqdm(desc="searching faces", unit="frame", disable=not progress, leave=False) as bar:
        for run in iter_video(path, FPS, batch):
            if detector is None:
                square(run[:1], side, str(path))
                faces.extend([] for _ in run)
            else:
                faces.extend(detector.detect(run, tracked=True))
            bar.update(len(run))
    if not faces:
        raise RenderError(f"{path} has no frame. Give a video of a face.")
    transforms = None if detector is None else _transforms(path, faces, side)
    return Driving(path, len(faces), transforms, side, batch)


def _transforms(path: Path, faces: list[list[Face]], side: int) -> Float[Tensor, "n 2 3"]:
    """Follow one face through the video, over frames that do not show it."""
    if not any(faces):
        raise NoFaceError(str(path), len(faces))
    crowded = sum(len(seen) > 1 for seen in faces)
    if crowded:
        logger.warning("Several faces in %d frames of %s: the largest is taken.", crowded, path)
    landmarks, bridged = complete(follow(faces), max_gap=len(faces))
    if bridged:
        logger.warning("No face in %d of %d frames of %s: filled in.", bridged, len(faces), path)
    return clip_transforms(landmarks, side)
