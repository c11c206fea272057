"""Pictures, video and sound out of any file that Pillow or PyAV reads.

Video and sound of one file stay in step: second 0 of both is the first video frame.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import numpy as np
import torch
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from jaxtyping import Float, Int16, UInt8
from PIL import Image, ImageOps
from torch import Tensor

from talkface.data.media_errors import (
    MediaError,
    NoAudioError,
    NoVideoError,
    UndecodableMediaError,
    check_input,
    reason,
)
from talkface.data.media_stream import decoded, in_step, opened, video_stream
from talkface.types import FPS, SAMPLE_RATE

LONGEST = 10.0
"""Seconds for which a picture may stand still, or the sound be late: what is longer is damage."""


def read_image(path: Path) -> UInt8[Tensor, "3 h w"]:
    """Read a picture as RGB, turned upright by its EXIF orientation, transparency dropped.

    Raises:
        MediaError: If the file is missing, empty or no picture.
    """
    check_input(path)
    try:
        with Image.open(path) as image:
            pixels = np.array(ImageOps.exif_transpose(image).convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UndecodableMediaError(
            f"{path} is not a picture that Pillow can read ({error}). Use PNG or JPEG."
        ) from error
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


def read_video(path: Path, fps: float | int = FPS) -> UInt8[Tensor, "n 3 h w"]:
    """Read all frames at ``fps`` frames per second; arguments and errors as ``iter_video``."""
    return torch.cat(list(iter_video(path, fps)))


def iter_video(
    path: Path, fps: float | int = FPS, batch: int = 32
) -> Iterator[UInt8[Tensor, "n 3 h w"]]:
    """Read a video in batches of at most ``batch`` frames, so that long ones fit in memory.

    The frames stay in memory as they are decoded, with the colours of a pixel side by side
    (``channels_last``), which is also how OpenCV and MediaPipe want them.

    Args:
        path: Any file with a video stream that PyAV decodes.
        fps: Frames per second of the result: at each instant the frame nearest in time, by the
            timestamps of the file, is taken.
        batch: Frames per batch, the last one shorter.

    Raises:
        MediaError: If the file is missing, empty, undecodable, truncated or without video.
    """
    rows: list[UInt8[Tensor, "h w 3"]] = []
    with opened(path) as container:
        stream = video_stream(container)
        if stream is None:
            raise NoVideoError(f"{path} has no video stream. Give a file with pictures in it.")
        frames = (f for f in decoded(path, container, stream) if isinstance(f, VideoFrame))
        timed = _timed(in_step(path, frames, LONGEST), _rate(stream))
        for frame in _at_rate(timed, fps):
            image = _pixels(frame)
            shape = rows[0].shape if rows else image.shape
            if image.shape != shape:
                raise MediaError(f"{path} changes its picture size midway. Re-encode it first.")
            rows.append(image)
            if len(rows) == batch:
                yield torch.stack(rows).permute(0, 3, 1, 2)
                rows.clear()
    if rows:
        yield torch.stack(rows).permute(0, 3, 1, 2)


def read_audio(path: Path, rate: int = SAMPLE_RATE) -> Int16[Tensor, " samples"]:
    """Read the sound of any file: mean of the channels, resampled to ``rate`` per second.

    In a file with video, sound before the first frame is cut off and a late start is filled
    with silence.

    Raises:
        MediaError: If the file is missing, empty, undecodable, truncated or without sound.
    """
    chunks: list[Float[np.ndarray, " n"]] = []
    start: float | None = None
    with opened(path) as container:
        if not container.streams.audio:
            raise NoAudioError(f"{path} has no audio stream. Give a file with sound.")
        origin = _start(video_stream(container))
        stream = container.streams.audio[0]
        resampler = AudioResampler(format="flt", rate=rate)  # PyAV crashes over 8 planes
        frames = (f for f in decoded(path, container, stream) if isinstance(f, AudioFrame))
        for frame, time in in_step(path, frames):
            start = time if start is None else start
            frame.pts = None
            chunks += _mono(path, resampler, frame)
        if chunks or start is not None:
            chunks += _mono(path, resampler, None)
    late = 0.0 if origin is None or start is None else start - origin
    if late > LONGEST:
        raise MediaError(f"The sound of {path} begins {late:.2f} s after the picture.")
    samples = np.concatenate([np.zeros(0, np.float32), *chunks])[max(-round(late * rate), 0) :]
    if samples.size == 0:
        raise NoAudioError(f"The sound of {path} is 0 seconds long. Give a longer recording.")
    samples = np.concatenate([np.zeros(max(round(late * rate), 0), np.float32), samples])
    scaled = np.nan_to_num(samples * 32768.0).round().clip(-32768, 32767)
    return torch.from_numpy(scaled.astype(np.int16))


def _rate(stream: VideoStream) -> float:
    return float(stream.average_rate or stream.guessed_rate or FPS)


def _start(stream: VideoStream | None) -> float | None:
    if stream is None or stream.start_time is None or stream.time_base is None:
        return None
    return float(stream.start_time * stream.time_base)


def _timed(
    frames: Iterable[tuple[VideoFrame, float | None]], rate: float
) -> Iterator[tuple[float, VideoFrame]]:
    """Frames with their time in seconds, counted where the file has no timestamps."""
    for index, (frame, time) in enumerate(frames):
        yield (index / rate if time is None else time), frame


def _at_rate(timed: Iterable[tuple[float, VideoFrame]], fps: float | int) -> Iterator[VideoFrame]:
    """The frame nearest in time to 0, 1/fps, 2/fps ... seconds after the first."""
    first = last = 0.0
    step, count = 1 / fps, 0
    current: VideoFrame | None = None
    for time, frame in timed:
        if current is None:
            first = time
        else:
            step = time - last
            while current and count / fps < last + step / 2 - first - 1e-6:
                yield current
                count += 1
        last, current = time, frame
    if current is not None:
        yield from [current] * (round((last + step - first) * fps) - count)


def _pixels(frame: VideoFrame) -> UInt8[Tensor, "h w 3"]:
    """RGB, upright by the rotation that the file asks for (counter-clockwise degrees)."""
    pixels = np.rot90(frame.to_ndarray(format="rgb24"), frame.rotation // 90)
    return torch.from_numpy(np.ascontiguousarray(pixels))


def _mono(
    path: Path, resampler: AudioResampler, frame: AudioFrame | None
) -> list[Float[np.ndarray, " n"]]:
    try:
        parts = resampler.resample(frame)
        return [part.to_ndarray().reshape(-1, part.layout.nb_channels).mean(1) for part in parts]
    except (av.FFmpegError, ValueError) as error:
        raise MediaError(f"The sound of {path} cannot be resampled ({reason(error)}).") from error
