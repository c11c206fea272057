"""A video as it is judged: aligned frames, landmarks and sound."""

from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float, Int16, UInt8
from torch import Tensor

from talkface.compare.closeup import SIDE, CloseUp
from talkface.compare.errors import LengthError
from talkface.compare.settings import Settings
from talkface.data.media import NoAudioError, read_audio, read_video
from talkface.faces import LandmarkDetector, complete, follow
from talkface.faces.align import align_landmarks
from talkface.metrics.judge import Shown
from talkface.render.portrait import square
from talkface.types import FPS, SAMPLE_RATE

SAMPLES = SAMPLE_RATE // FPS
"""Samples of sound per frame."""


class View(NamedTuple):
    """One video.

    Attributes:
        frames: Aligned crops, 25 per second.
        landmarks: iBUG-68 points in pixels of the crop, NaN in frames where no face was found;
            None if none are read.
        sound: Its sound; None if it has none, or none is asked for.
    """

    frames: UInt8[Tensor, "t 3 S S"]
    landmarks: Float[Tensor, "t 68 2"] | None = None
    sound: Int16[Tensor, " samples"] | None = None

    def part(self, first: int, count: int) -> "View":
        """``count`` frames from ``first`` on, with their landmarks and sound."""
        last = first + count
        return View(
            self.frames[first:last],
            None if self.landmarks is None else self.landmarks[first:last],
            None if self.sound is None else self.sound[first * SAMPLES : last * SAMPLES],
        )

    def still(self) -> "View":
        """Its first frame repeated, without sound."""
        count = len(self.frames)
        points = self.landmarks
        return View(
            self.frames[:1].expand(count, -1, -1, -1),
            None if points is None else points[:1].expand(count, -1, -1),
        )

    def shown(self) -> Shown:
        """As judges want it."""
        return Shown(self.frames.float() / 255, self.landmarks, self.sound)


class Viewer:
    """Reads videos, all in the same way.

    Every video has its own landmarks and is aligned as ``data_prep`` aligns clips: one similarity
    for the whole clip and a smoothed shift. Where the videos are aligned crops already, they are
    only scaled, bilinearly with antialiasing, and landmarks are read from the crops.

    Args:
        settings: How to read them.
        detector: Finds the landmarks; None only where the videos are aligned.
    """

    def __init__(self, settings: Settings, detector: LandmarkDetector | None) -> None:
        self.settings = settings
        everywhere = None if settings.aligned else SIDE
        self.detector = None if detector is None else CloseUp(detector, everywhere)

    def look(self, video: Path) -> View:
        """Read a video.

        Raises:
            MediaError: The file cannot be read.
            FaceError: The face is not seen well enough.
            RenderError: A video that is said to be aligned is not square.
        """
        frames, side = read_video(video), self.settings.side
        sound = None if self.settings.syncnet is None else _sound(video)
        if self.settings.aligned:
            frames = square(frames, side, str(video))
        points = self._points(frames)
        if self.settings.aligned or points is None:
            if points is not None:
                complete(points)  # refuses the clips that `align_landmarks` refuses
            return View(frames, points, sound)
        aligned = align_landmarks(frames, points, side)
        unknown = points.isnan()
        return View(aligned.frames, aligned.landmarks.masked_fill(unknown, torch.nan), sound)

    def _points(self, frames: UInt8[Tensor, "t 3 h w"]) -> Float[Tensor, "t 68 2"] | None:
        if self.detector is None:
            return None
        return follow(self.detector.detect(frames, tracked=len(frames) > 1))


def matched(view: View, truth: View, offset: int, allowed: int) -> tuple[View, View]:
    """A video and the true one, cut to the same frames.

    Args:
        view: The video.
        truth: The true one.
        offset: True frames before the first frame of ``view``.
        allowed: Frames by which they may then differ in length; both are cut to the shorter.

    Raises:
        LengthError: They differ by more, or nothing is left.
    """
    found, expected = len(view.frames), len(truth.frames) - offset
    count = min(found, expected)
    if abs(found - expected) > allowed or count < 1:
        raise LengthError(found, expected, offset, allowed)
    return view.part(0, count), truth.part(offset, count)


def _sound(video: Path) -> Int16[Tensor, " samples"] | None:
    try:
        return read_audio(video)
    except NoAudioError:
        return None
