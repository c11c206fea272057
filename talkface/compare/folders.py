"""Which video of a method belongs to which true one: by their names below two folders."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from talkface.compare.errors import (
    EmptyFolderError,
    MissingFolderError,
    NestedOutputError,
    NoCommonClipError,
    NothingSharedError,
    SameNameError,
)

SUFFIXES = (
    *(".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"),
    *(".ts", ".webm", ".wmv"),
)
"""Files that are taken for videos; everything else in a folder is passed over."""

REAL = "the true clips"
"""What the folder of the truth is called in messages."""


class Refusal(NamedTuple):
    """A video that has no figures.

    Attributes:
        method: The method whose video it is, or ``truth``.
        clip: Name of the clip.
        reason: What was found.
    """

    method: str
    clip: str
    reason: str


@dataclass(frozen=True)
class Clip:
    """One clip in all its versions.

    Attributes:
        name: Name below the folders, without suffix.
        real: The true video.
        videos: Videos by method.
        pictured: Whether some of its frames are kept for a strip.
    """

    name: str
    real: Path
    videos: Mapping[str, Path]
    pictured: bool = False


class Matching(NamedTuple):
    """What is to be scored, and what has no counterpart.

    Attributes:
        clips: Clips in the order of their names.
        missing: By method, true clips that it has no video of.
        extra: By method, clips of which there is no true one.
        total: How many true clips there are.
    """

    clips: list[Clip]
    missing: dict[str, list[str]]
    extra: dict[str, list[str]]
    total: int


def find_videos(folder: Path, owner: str) -> dict[str, Path]:
    """Videos at any depth below a folder, by relative name without suffix.

    Args:
        folder: Where to look; hidden files and folders are passed over.
        owner: Whose videos they are, for messages.

    Raises:
        CompareError: There is no such folder, no video in it, or two of one name.
    """
    if not folder.is_dir():
        raise MissingFolderError(owner, folder)
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in inside.parts)
        if hidden or path.suffix.lower() not in SUFFIXES or not path.is_file():
            continue
        name = inside.with_suffix("").as_posix()
        if name in found:
            raise SameNameError(owner, found[name], path)
        found[name] = path
    if not found:
        raise EmptyFolderError(owner, folder, SUFFIXES)
    return found


def match(
    real: Mapping[str, Path],
    methods: Mapping[str, Mapping[str, Path]],
    *,
    paired: bool = True,
    pictured: int = 0,
) -> Matching:
    """Bring videos of one name together.

    Args:
        real: True videos by name.
        methods: Videos by name, of every method.
        paired: Take only clips that all methods have, else those that any has.
        pictured: Mark so many clips for strips.

    Raises:
        NoCommonClipError: A method shares no name with the truth.
        NothingSharedError: ``paired``, and no clip is there for all methods.
    """
    for method, videos in methods.items():
        if not real.keys() & videos.keys():
            raise NoCommonClipError(method, real.keys(), videos.keys())
    missing = {m: sorted(real.keys() - videos.keys()) for m, videos in methods.items()}
    extra = {m: sorted(videos.keys() - real.keys()) for m, videos in methods.items()}
    enough = all if paired else any
    names = [n for n in sorted(real) if enough(n in videos for videos in methods.values())]
    if not names:
        raise NothingSharedError(
            f"{m} has {len(real) - len(missing[m])} of {len(real)}" for m in methods
        )
    clips = [
        Clip(
            n, real[n], {m: videos[n] for m, videos in methods.items() if n in videos}, i < pictured
        )
        for i, n in enumerate(names)
    ]
    return Matching(clips, missing, extra, len(real))


def check_output(output: Path, real: Path, methods: Mapping[str, Path]) -> None:
    """Make sure that results do not end up among videos, nor videos among results.

    Raises:
        NestedOutputError: The output is, or lies in, a folder of videos, or the other way round.
    """
    place = output.resolve()
    for owner, folder in ((REAL, real), *methods.items()):
        videos = folder.resolve()
        if place.is_relative_to(videos) or videos.is_relative_to(place / "clips"):
            raise NestedOutputError(output, owner, folder)
