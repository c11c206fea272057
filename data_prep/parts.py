"""A clip in parts: where it is cut, what is said in each, and how parts are found again."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float, Int16, UInt8
from torch import Tensor

from data_prep.corpora.raw import ClipError
from data_prep.cuts import Cut, find_cuts
from data_prep.rules import Flaw, Rules, find_flaws
from data_prep.talking import STEP, talking_face
from talkface.data.files import clip_file
from talkface.data.layout import PreparedClip, WordSpan, is_complete, write_aside
from talkface.faces import Face, NoFaceError, follow
from talkface.types import FPS

LEAST_FRAMES = 15
"""Shorter parts are left out."""


class PreparedParts(NamedTuple):
    """What was made of a raw clip.

    Attributes:
        clip: Name of the raw clip.
        parts: The prepared clip of the same name, or its parts.
    """

    clip: str
    parts: list[PreparedClip]


def usable_parts(
    frames: UInt8[Tensor, "n 3 h w"],
    faces: Sequence[Sequence[Face]],
    sound: Int16[Tensor, " samples"],
    rules: Rules,
) -> tuple[Float[Tensor, "n 68 2"], list[range]]:
    """The points of the face of a clip, and the frames that are used of it.

    Args:
        frames: The frames.
        faces: The faces of each of them.
        sound: Its sound.
        rules: What is used.

    Raises:
        NoFaceError: There is none.
        ClipError: By ``rules`` the clip is skipped, or nothing is left of it; says what was found.
    """
    cuts = find_cuts(frames, faces)
    if rules.gaps == "skip":
        _refuse([_cut_reason(cut, len(frames)) for cut in cuts])
        points = _chosen(faces, sound, rules)
    else:
        points = _chosen_by_scene(faces, sound, [cut.frame for cut in cuts], rules)
    flaws = find_flaws(points, (frames.shape[-2], frames.shape[-1]), rules)
    if rules.gaps == "skip":
        _refuse([flaw.reason for flaw in flaws])
        return points, [range(len(frames))]
    parts = list(_spans(len(frames), [cut.frame for cut in cuts], flaws))
    if not parts:
        _refuse(
            [f"No part of {LEAST_FRAMES} frames is left.", *(flaw.reason for flaw in flaws)]
            + [_cut_reason(cut, len(frames)) for cut in cuts]
        )
    return points, parts


def words_within(words: Sequence[WordSpan], part: range) -> tuple[WordSpan, ...]:
    """The words that are said wholly within a part, in seconds from its start."""
    start, end = part.start / FPS, part.stop / FPS
    return tuple(
        replace(word, start=word.start - start, end=word.end - start)
        for word in words
        if start <= word.start and word.end <= end
    )


def sound_within(sound: Int16[Tensor, " samples"], part: range) -> Int16[Tensor, " part"]:
    """The sound of the frames of a part."""
    return sound[part.start * STEP : part.stop * STEP]


def part_names(clip: str, parts: int) -> list[str]:
    """``ID-1``, ``ID-2`` ..."""
    return [f"{clip}-{number}" for number in range(1, parts + 1)]


def write_names(root: Path, clip: str, names: Sequence[str]) -> None:
    """Note that a clip consists of parts, all of which are stored."""
    with write_aside(clip_file(root, clip, "parts")) as file:
        file.write(json.dumps(list(names)).encode())


def stored_names(root: Path, clip: str) -> list[str]:
    """The names under which a clip is stored: its own, or those of its parts; none if it is not."""
    noted = clip_file(root, clip, "parts")
    names = json.loads(noted.read_text()) if noted.is_file() else [clip]
    return names if all(is_complete(root, name) for name in names) else []


def _chosen(
    faces: Sequence[Sequence[Face]], sound: Int16[Tensor, " samples"], rules: Rules
) -> Float[Tensor, "n 68 2"]:
    return talking_face(faces, sound) if rules.face == "talking" else follow(faces)


def _chosen_by_scene(
    faces: Sequence[Sequence[Face]],
    sound: Int16[Tensor, " samples"],
    cuts: Sequence[int],
    rules: Rules,
) -> Float[Tensor, "n 68 2"]:
    points = torch.full((len(faces), 68, 2), torch.nan)
    for start, end in pairwise([0, *cuts, len(faces)]):
        try:
            heard = sound_within(sound, range(start, end))
            points[start:end] = _chosen(faces[start:end], heard, rules)
        except NoFaceError:
            continue
    return points


def _spans(frames: int, cuts: Sequence[int], flaws: Sequence[Flaw]) -> Iterator[range]:
    """The frames between cuts and flaws, where they are enough."""
    edges = {0, frames, *cuts}
    edges |= {edge for flaw in flaws for edge in (flaw.frames.start, flaw.frames.stop)}
    for start, end in pairwise(sorted(edges)):
        flawed = any(start in flaw.frames for flaw in flaws)
        if end - start >= LEAST_FRAMES and not flawed:
            yield range(start, end)


def _cut_reason(cut: Cut, frames: int) -> str:
    return (
        f"Another scene begins at frame {cut.frame} of {frames}: the picture changes by "
        f"{cut.change:.1f} grey levels, usually by {cut.usual:.1f}."
    )


def _refuse(reasons: Sequence[str]) -> None:
    if reasons:
        raise ClipError(" ".join(reasons))
