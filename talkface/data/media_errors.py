"""What can be wrong with a media file, one type per cause."""

from pathlib import Path


class MediaError(ValueError):
    """A media file cannot be read or written; the message says which and why."""


class MissingMediaError(MediaError):
    """There is no such file."""


class EmptyMediaError(MediaError):
    """The file has 0 bytes."""


class UndecodableMediaError(MediaError):
    """The file is of no kind that can be decoded."""


class TruncatedMediaError(MediaError):
    """The file ends early or is damaged in the middle."""


class NoVideoError(MediaError):
    """The file has no moving picture."""


class NoAudioError(MediaError):
    """The file has no sound, or a sound of 0 seconds."""


class OutputError(MediaError):
    """The output cannot be written."""


def reason(error: Exception) -> str:
    """What the system or FFmpeg says, without the number and the name of the file."""
    return str(getattr(error, "strerror", None) or error)


def check_input(path: Path) -> None:
    """Refuse what needs no decoder to be refused.

    Raises:
        MissingMediaError: If there is no file at ``path``, or it may not be looked at.
        EmptyMediaError: If the file has 0 bytes.
    """
    try:
        if path.is_dir():
            raise MissingMediaError(f"{path} is a folder. Give the path of a media file.")
        if path.exists() and not path.is_file():
            raise MissingMediaError(f"{path} is a pipe or a device. Give the path of a file.")
        if not path.is_file():
            raise MissingMediaError(f"There is no file {path}. Check the path.")
        empty = path.stat().st_size == 0
    except OSError as error:
        raise MissingMediaError(f"{path} cannot be opened ({reason(error)}).") from error
    if empty:
        raise EmptyMediaError(f"{path} is empty (0 bytes). Copy or export it again.")
