"""Video files with sound, H.264 and AAC, that appear under their name only when complete."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
import torch
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import VideoFrame
from jaxtyping import Int16, UInt8
from torch import Tensor

from talkface.data.durable import settle
from talkface.data.media_errors import MediaError, OutputError, reason
from talkface.types import FPS, SAMPLE_RATE

SUFFIXES = (".mp4", ".mov", ".mkv")
"""Containers that hold H.264 and AAC."""

AAC_RATE = 48_000
"""Sound is stored at this rate: an AAC packet of 1,024 samples is then shorter than a frame."""


def check_output(path: Path) -> None:
    """Make sure that a video can be written, and leave no trace; call it before long work.

    Raises:
        OutputError: If the name or the place does not allow it.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(f"{path} must end in one of {', '.join(SUFFIXES)}.")
    try:
        if path.is_dir():
            raise OutputError(f"{path} is a folder. Give the name of a video file.")
        place = next(folder for folder in path.parents if folder.exists())
        probe = place / _aside(path).name
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({reason(error)}). Choose another output."
        ) from error


class VideoWriter:
    """Write frames as they come; a context manager.

    The file is written under a temporary name beside ``path``, in a folder made for it if need be,
    renamed when the block ends and removed when it fails. Sound is cut, or filled up with silence,
    to the length of the video.

    Args:
        path: Output, ending in ``.mp4``, ``.mov`` or ``.mkv``.
        fps: Frames per second.
        size: Height and width of the frames; odd ones are extended by one repeated row or
            column, since H.264 with 4:2:0 colour needs even sizes.
        sound: Mono, ``SAMPLE_RATE`` per second, or None for a silent file without sound stream.
        crf: Quality of H.264, lower is better; 17 is visually lossless.
        preset: Speed of H.264, from ``ultrafast`` to ``veryslow``.

    Raises:
        OutputError: At once, if ``path`` cannot be written.
        MediaError: If frames of another size come, or none.

    Example:
        >>> with VideoWriter(Path("talk.mp4"), 25, (128, 128), sound) as writer:
        ...     for frames in rendered:
        ...         writer.write(frames)
    """

    def __init__(
        self,
        path: Path,
        fps: float | int,
        size: tuple[int, int],
        sound: Int16[Tensor, " samples"] | None = None,
        *,
        crf: int = 17,
        preset: str = "medium",
    ) -> None:
        check_output(path)
        self.path, self.size, self.count = path, size, 0
        self._rate = Fraction(fps).limit_denominator(1001)
        self._sound, self._sent = sound, 0
        self._options = {"crf": str(crf), "preset": preset}
        self._temporary = _aside(path)

    def __enter__(self) -> "VideoWriter":
        """Open the temporary file."""
        try:
            with self._writing():
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._container: OutputContainer = av.open(str(self._temporary), "w")
                self._open_streams()
        except BaseException:
            self._temporary.unlink(missing_ok=True)
            raise
        return self

    def write(self, frames: UInt8[Tensor, "n 3 h w"]) -> None:
        """Append RGB frames."""
        if tuple(frames.shape[2:]) != self.size:
            raise MediaError(
                f"Frames of {tuple(frames.shape[2:])} (height, width) were given to a writer of "
                f"{self.size}: {self.path}."
            )
        padded = np.pad(
            frames.cpu().permute(0, 2, 3, 1).numpy(),
            ((0, 0), (0, self.size[0] % 2), (0, self.size[1] % 2), (0, 0)),
            mode="edge",
        )
        with self._writing():
            for image in padded:
                frame = VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
                frame.pts, frame.time_base = self.count, 1 / self._rate
                self._container.mux(self._video.encode(frame))
                self.count += 1
            self._send_sound()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish the file and give it its name, or remove it if anything failed."""
        try:
            if kind is None:
                with self._writing():
                    self._finish()
                    self._container.close()
                    settle(self._temporary, self.path)
        finally:
            with suppress(av.FFmpegError, OSError):  # what failed once may fail again
                self._container.close()
            self._temporary.unlink(missing_ok=True)

    def _open_streams(self) -> None:
        height, width = (side + side % 2 for side in self.size)
        self._video = self._container.add_stream("libx264", self._rate, options=self._options)
        self._video.width, self._video.height = width, height
        self._video.pix_fmt = "yuv420p"
        self._audio: AudioStream | None = None
        if self._sound is not None:
            self._audio = self._container.add_stream("aac", AAC_RATE, layout="mono")

    def _send_sound(self) -> None:
        """Encode the sound of all frames so far."""
        if self._audio is None or self._sound is None:
            return
        end = round(self.count / self._rate * SAMPLE_RATE)
        part = self._sound[self._sent : end].cpu()
        part = torch.nn.functional.pad(part, (0, end - self._sent - len(part)))
        if len(part) > 0:
            frame = AudioFrame.from_ndarray(part[None].numpy(), format="s16", layout="mono")
            frame.sample_rate, frame.pts = SAMPLE_RATE, self._sent
            frame.time_base = Fraction(1, SAMPLE_RATE)
            self._container.mux(self._audio.encode(frame))
        self._sent = end

    def _finish(self) -> None:
        if self.count == 0:
            raise MediaError(f"No frames were written to {self.path}, so there is no video.")
        self._container.mux(self._video.encode(None))
        if self._audio is not None:
            self._container.mux(self._audio.encode(None))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (av.FFmpegError, OSError) as error:
            raise OutputError(f"{self.path} cannot be written ({reason(error)}).") from error


def write_video(
    path: Path,
    frames: UInt8[Tensor, "n 3 h w"],
    sound: Int16[Tensor, " samples"] | None = None,
    fps: float | int = FPS,
) -> None:
    """Write a whole video at once; errors as ``VideoWriter``."""
    with VideoWriter(path, fps, (frames.shape[2], frames.shape[3]), sound) as writer:
        writer.write(frames)


def _aside(path: Path) -> Path:
    """A name beside ``path`` that nothing has; a long name is cut, as names end at 255 bytes."""
    return path.with_name(f".{path.stem[:32]}.{uuid.uuid4().hex[:8]}.part{path.suffix}")
