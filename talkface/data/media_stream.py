"""Media files opened and decoded, one stream at a time, and never a part taken for the whole."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from talkface.data.media_errors import (
    TruncatedMediaError,
    UndecodableMediaError,
    check_input,
    reason,
)

AnyFrame = TypeVar("AnyFrame", VideoFrame, AudioFrame)

BARE = ("mpeg",)
"""Formats that tell nothing of their length: only a broken frame shows where they were cut."""

TIMED = ("avi", "matroska,webm")
"""Formats whose header tells how long they are, though not to the packet."""

SLACK = 0.5
"""Seconds by which the header of a ``TIMED`` format may be wrong."""


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """Open a file for reading.

    Raises:
        MediaError: If the file is missing, empty or undecodable.
    """
    check_input(path)
    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError, ValueError) as error:
        raise UndecodableMediaError(
            f"{path} is not a media file PyAV can read ({reason(error)}). It may be incomplete, or "
            "of another kind than its name says."
        ) from error
    with container:
        yield container


def video_stream(container: InputContainer) -> VideoStream | None:
    """The first video stream that is more than a cover picture."""
    streams = container.streams.video
    return next((s for s in streams if not s.disposition & Disposition.attached_pic), None)


def decoded(
    path: Path, container: InputContainer, stream: VideoStream | AudioStream
) -> Iterator[VideoFrame | AudioFrame]:
    """Decode a stream, and refuse to take a part for the whole.

    Raises:
        TruncatedMediaError: If the file ends early or is damaged in the middle.
    """
    bare = container.format.name in BARE
    seen = {s.index: _Seen(path, s) for s in _watched(container)} if bare else {}
    mine = seen.setdefault(stream.index, _Seen(path, stream))
    reached = 0.0
    try:
        for packet in container.demux():
            reached = max(reached, _end(packet))
            if packet.stream.index in seen:
                frames = seen[packet.stream.index].decode(packet)
                yield from frames if packet.stream.index == stream.index else ()
    except av.FFmpegError as error:
        raise _truncated(
            path, f"reading fails after {mine.frames} frames: {reason(error)}"
        ) from error
    timed = container.format.name in TIMED
    promised = _promised(container, stream) if timed else 0.0
    if reached + SLACK < promised:
        raise _truncated(path, f"{reached:.1f} of {promised:.1f} seconds are there")
    if (not timed and mine.parts < stream.frames) or (not mine.frames and stream.type == "video"):
        found = f"{mine.parts} of {stream.frames} {mine.unit}, {mine.frames} frames decoded"
        raise _truncated(path, found)


class _Seen:
    """What has been decoded of a stream, in the unit in which its file counts."""

    def __init__(self, path: Path, stream: VideoStream | AudioStream) -> None:
        if stream.codec_context is None:
            raise UndecodableMediaError(
                f"{path} is coded in a way that FFmpeg does not know, or its header is damaged."
            )
        self.path = path
        self.unit = "samples" if stream.codec_context.name.startswith("pcm_") else "packets"
        self.parts = self.frames = 0
        self.clean = False

    def decode(self, packet: Any) -> list[VideoFrame | AudioFrame]:
        """Frames of a packet, none of them broken once one has been whole."""
        try:
            frames = [f for f in packet.decode() if isinstance(f, VideoFrame | AudioFrame)]
        except av.FFmpegError as error:
            found = f"decoding fails after {self.frames} frames: {reason(error)}"
            raise _truncated(self.path, found) from error
        broken = any(frame.is_corrupt for frame in frames)
        samples = sum(frame.samples for frame in frames if isinstance(frame, AudioFrame))
        self.parts += samples if self.unit == "samples" else packet.size > 0
        self.frames += len(frames)
        self.clean = self.clean or (bool(frames) and not broken)
        if packet.is_corrupt or (self.clean and broken):
            found = f"the data after {self.frames} frames is incomplete"
            raise _truncated(self.path, found)
        return frames


def in_step(
    path: Path, frames: Iterable[AnyFrame], longest: float = SLACK
) -> Iterator[tuple[AnyFrame, float | None]]:
    """Frames with their time in seconds, or None, none of which is far from where it belongs.

    Args:
        path: The file.
        frames: Its frames.
        longest: Seconds that may be missing between two frames.

    Raises:
        TruncatedMediaError: Times jump, as they do where data is missing or an index is damaged.
    """
    end: float | None = None
    for frame in frames:
        time = None if frame.pts is None else frame.time
        if time is not None:
            if end is not None and not -SLACK <= time - end <= longest:
                raise _truncated(path, f"its times jump from {end:.2f} to {time:.2f} s")
            end = time
            if isinstance(frame, AudioFrame):
                end += frame.samples / frame.sample_rate
        yield frame, time


def _watched(container: InputContainer) -> Iterator[VideoStream | AudioStream]:
    yield from container.streams.video
    yield from container.streams.audio


def _promised(container: InputContainer, stream: VideoStream | AudioStream) -> float:
    """Seconds told by the header; for AVI FFmpeg would guess them from the size of the file."""
    if container.format.name == "avi" and stream.time_base is not None:
        return float(stream.frames * stream.time_base)
    return (container.duration or 0) / av.time_base


def _end(packet: Any) -> float:
    """When a packet ends, in seconds."""
    time = packet.dts if packet.pts is None else packet.pts
    if time is None or packet.time_base is None:
        return 0.0
    return float((time + (packet.duration or 0)) * packet.time_base)


def _truncated(path: Path, found: str) -> TruncatedMediaError:
    return TruncatedMediaError(
        f"{path} is truncated or damaged ({found}). Copy or export it again."
    )
