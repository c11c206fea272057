"""Pictures, video and sound in and out of files: the names that the rest of the code uses.

Reading is in ``decode``, writing in ``encode``, and the errors are in ``media_errors``.
"""

from talkface.data.decode import iter_video, read_audio, read_image, read_video
from talkface.data.encode import VideoWriter, check_output, write_video
from talkface.data.media_errors import (
    EmptyMediaError,
    MediaError,
    MissingMediaError,
    NoAudioError,
    NoVideoError,
    OutputError,
    TruncatedMediaError,
    UndecodableMediaError,
)

__all__ = [
    "EmptyMediaError",
    "MediaError",
    "MissingMediaError",
    "NoAudioError",
    "NoVideoError",
    "OutputError",
    "TruncatedMediaError",
    "UndecodableMediaError",
    "VideoWriter",
    "check_output",
    "iter_video",
    "read_audio",
    "read_image",
    "read_video",
    "write_video",
]
