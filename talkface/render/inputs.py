"""Everything that is to be rendered, read and checked before the first frame is."""

import logging
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Int16, UInt8
from torch import Tensor

from talkface.data.media import NoAudioError, read_audio
from talkface.data.media_errors import check_input
from talkface.data.mfcc_stream import frames_of_sound
from talkface.faces import LandmarkDetector, build_detector
from talkface.render.driving import Driving, scan_driving
from talkface.render.portrait import Portrait, read_portrait
from talkface.types import FPS, SAMPLE_RATE

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FaceFinding:
    """How faces are found.

    Attributes:
        landmarks: Landmark backend, ``"face-alignment"`` or ``"mediapipe"``.
        task: Model file of ``"mediapipe"``.
        aligned: The identity picture is an aligned square crop already.
        driving_aligned: The frames of the driving video are.
        device: Where ``"face-alignment"`` computes.
    """

    landmarks: str = "face-alignment"
    task: Path | None = None
    aligned: bool = False
    driving_aligned: bool = False
    device: str = "cpu"

    def detector(self) -> LandmarkDetector:
        """Build the backend."""
        return build_detector(self.landmarks, self.task, self.device)


@dataclass(frozen=True)
class Inputs:
    """What is rendered.

    Attributes:
        portrait: Who is shown.
        sound: What drives the lips, or None.
        driving: What drives eyes and contour, and without ``sound`` also the lips, or None.
        track: Sound of the output; None leaves it silent.
    """

    portrait: Portrait
    sound: Int16[Tensor, " samples"] | None
    driving: Driving | None
    track: Int16[Tensor, " samples"] | None

    @property
    def frames(self) -> int:
        """Length of the output."""
        if self.sound is not None:
            return frames_of_sound(len(self.sound))
        return self.driving.frames if self.driving else 0

    @property
    def drive(self) -> str:
        """``"audio"``, ``"video"`` or ``"both"``."""
        if self.sound is None:
            return "video"
        return "audio" if self.driving is None else "both"


def read_inputs(
    identity: Path | UInt8[Tensor, "3 h w"],
    audio: Path | None,
    driving: Path | None,
    side: int,
    finding: FaceFinding,
    *,
    progress: bool = False,
) -> Inputs:
    """Read sound, portrait and driving video; the quickest to fail comes first.

    Args:
        identity: Photo, video or RGB picture of the face to be shown.
        audio: Any file with sound.
        driving: Any video of a face.
        side: Side of the crops in pixels.
        finding: How faces are found.
        progress: Show a progress bar while faces are searched in ``driving``.

    Raises:
        RenderError: A face is missing, or an aligned picture is not square.
        MediaError: A file is missing, cannot be read, or lacks sound or pictures.
        LandmarkModelError: The landmark backend cannot be built.
    """
    for path in (identity, driving):
        if isinstance(path, Path):
            check_input(path)
    sound = None if audio is None else read_audio(audio, SAMPLE_RATE)
    needed = not finding.aligned or (driving is not None and not finding.driving_aligned)
    detector = finding.detector() if needed else None
    portrait = read_portrait(identity, side, None if finding.aligned else detector)
    if driving is None:
        return Inputs(portrait, sound, None, sound)
    looking = None if finding.driving_aligned else detector
    motion = scan_driving(driving, side, looking, progress=progress)
    track = _sound_of(driving, motion.frames) if sound is None else sound
    inputs = Inputs(portrait, sound, motion, track)
    _say_lengths(inputs)
    return inputs


def _sound_of(video: Path, frames: int) -> Int16[Tensor, " samples"] | None:
    """Sound of a driving video as long as its pictures at most; None if it has none."""
    try:
        sound = read_audio(video, SAMPLE_RATE)
    except NoAudioError:
        logger.info("%s has no sound: the output is silent.", video)
        return None
    return sound[: frames * SAMPLE_RATE // FPS]


def _say_lengths(inputs: Inputs) -> None:
    """Log what happens where sound and driving video differ in length."""
    if inputs.sound is None or inputs.driving is None:
        return
    have, need = inputs.driving.frames, inputs.frames
    if have < need:
        text = "The driving video (%d frames) is shorter than the sound (%d): it is played %s."
        logger.warning(text, have, need, "forwards and backwards in turn")
    elif have > need:
        text = "The driving video (%d frames) is longer than the sound (%d): the rest is unused."
        logger.info(text, have, need)
