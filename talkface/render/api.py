"""``generate``: portrait plus sound, driving video or both, to a video file."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jaxtyping import UInt8
from torch import Tensor
from tqdm import tqdm

from talkface.data.media import VideoWriter, check_output
from talkface.render.checkpoint import load_model
from talkface.render.errors import NoDriveError, OverwriteError, RenderError
from talkface.render.inputs import FaceFinding, Inputs, read_inputs
from talkface.render.model import Model
from talkface.render.paste import Paster
from talkface.render.talker import Talker, to_uint8
from talkface.types import FPS


@dataclass(frozen=True)
class Report:
    """What was generated.

    Attributes:
        output: The video.
        drive: What drove it: ``"audio"``, ``"video"`` or ``"both"``.
        frames: Frames in it, 25 per second.
        width: Its width in pixels.
        height: Its height in pixels.
        seconds: Time that rendering and encoding took.
    """

    output: Path
    drive: str
    frames: int
    width: int
    height: int
    seconds: float

    @property
    def duration(self) -> float:
        """Length of the video in seconds."""
        return self.frames / FPS

    @property
    def rate(self) -> float:
        """Frames rendered per second."""
        return self.frames / max(self.seconds, 1e-9)


def generate(
    model: Model | Path | str,
    identity: Path | UInt8[Tensor, "3 h w"],
    audio: Path | None,
    driving: Path | None,
    output: Path,
    *,
    landmarks: Literal["face-alignment", "mediapipe"] = "face-alignment",
    task: Path | None = None,
    aligned: bool = False,
    driving_aligned: bool = False,
    batch: int = 16,
    paste: bool = False,
    progress: bool = True,
    device: str = "cpu",
) -> Report:
    """Make a talking-face video (H.264, AAC) of one portrait.

    With ``audio`` the lips follow the sound and the video is as long as the sound, to the nearest
    frame. With ``driving`` eyes and contour follow that video, and without ``audio`` the lips
    too; its sound then becomes that of the output. Nothing is left under the name ``output`` when
    anything fails.

    Args:
        model: A model, or the checkpoint to load it from.
        identity: Photo, video (its first frame with a face counts) or RGB picture in memory.
        audio: Any audio or video file with speech.
        driving: Any video of a face.
        output: Name of the video to be written, ending in ``.mp4``.
        landmarks: Landmark backend.
        task: Model file of the ``"mediapipe"`` backend.
        aligned: ``identity`` is an aligned square crop already: it is scaled, not searched.
        driving_aligned: The frames of ``driving`` are.
        batch: Most frames rendered at once; fewer need less memory.
        paste: Put the face back into the picture instead of writing the square crop.
        progress: Show progress bars.
        device: Where to compute, if ``model`` is a checkpoint.

    Raises:
        RenderError: An input is not usable: no drive, no face, no checkpoint, no place to write.
        MediaError: A file is missing, cannot be read, or lacks sound or pictures.
        LandmarkModelError: The landmark backend cannot be built.
    """
    if audio is None and driving is None:
        raise NoDriveError
    _check_place(output, (identity, audio, driving, model))
    if paste and aligned:
        raise RenderError("Nothing to paste an aligned crop into: leave out --paste or --aligned.")
    finding = FaceFinding(landmarks, task, aligned, driving_aligned, device)
    ready = load_model(Path(model), device) if isinstance(model, Path | str) else model
    talker = Talker(ready, batch)
    inputs = read_inputs(identity, audio, driving, ready.resolution, finding, progress=progress)
    return _write(talker, inputs, output, paste=paste, progress=progress)


def _check_place(output: Path, inputs: Iterable[object]) -> None:
    """Make sure before the work that its result can be written, and replaces no input."""
    check_output(output)
    given = (path for path in inputs if isinstance(path, Path) and path.exists())
    if output.exists() and any(path.samefile(output) for path in given):
        raise OverwriteError(output)


def _write(talker: Talker, inputs: Inputs, output: Path, *, paste: bool, progress: bool) -> Report:
    start = time.monotonic()
    paster = Paster(inputs.portrait) if paste else None
    height, width = (paster.picture if paster else inputs.portrait.crop).shape[1:]
    written = 0
    with (
        VideoWriter(output, FPS, (height, width), inputs.track) as writer,
        tqdm(total=inputs.frames, desc="rendering", unit="frame", disable=not progress) as bar,
    ):
        for frames in _frames(talker, inputs):
            writer.write(paster.paste(frames) if paster else frames)
            bar.update(len(frames))
            written += len(frames)
    return Report(output, inputs.drive, written, width, height, time.monotonic() - start)


def _frames(talker: Talker, inputs: Inputs) -> Iterator[UInt8[Tensor, "_ 3 S S"]]:
    crops = inputs.driving.crops() if inputs.driving else None
    for frames in talker.frames(inputs.portrait.crop, inputs.sound, crops):
        yield to_uint8(frames)
