"""All faces of a clip, told apart by where they are from frame to frame."""

from collections.abc import Sequence
from itertools import product

import torch
from jaxtyping import Float
from torch import Tensor

from talkface.faces.landmarks import Face, box_overlap
from talkface.faces.track import MAX_GAP

OVERLAP = 0.3
"""Least intersection over union of the boxes of one face in consecutive frames."""


def overlap(one: Face, other: Face) -> float:
    """Intersection over union of the boxes of two faces."""
    return box_overlap(one.box, other.box)


def tracks(faces: Sequence[Sequence[Face]]) -> list[Float[Tensor, "n 68 2"]]:
    """The points of every face of a clip, NaN where it was not found, longest first.

    A face goes on where its box overlaps most; after more than ``MAX_GAP`` frames without it,
    another one begins.

    Args:
        faces: The faces of every frame, as a detector gives them.
    """
    found: list[dict[int, Face]] = []
    for t, frame in enumerate(faces):
        alive = [track for track in found if t - max(track) <= MAX_GAP + 1]
        for track, face in _matched(alive, frame):
            track[t] = face
        taken = {id(track[t]) for track in alive if t in track}
        found += [{t: face} for face in frame if id(face) not in taken]
    found.sort(key=len, reverse=True)
    return [_points(track, len(faces)) for track in found]


def _matched(
    alive: Sequence[dict[int, Face]], frame: Sequence[Face]
) -> list[tuple[dict[int, Face], Face]]:
    """Tracks and the faces that continue them, best overlap first, each at most once."""
    pairs = [
        (overlap(track[max(track)], face), track, face) for track, face in product(alive, frame)
    ]
    matched: list[tuple[dict[int, Face], Face]] = []
    used: set[int] = set()
    for share, track, face in sorted(pairs, key=lambda pair: pair[0], reverse=True):
        if share >= OVERLAP and not {id(track), id(face)} & used:
            used |= {id(track), id(face)}
            matched.append((track, face))
    return matched


def _points(track: dict[int, Face], frames: int) -> Float[Tensor, "n 68 2"]:
    points = torch.full((frames, 68, 2), torch.nan)
    for t, face in track.items():
        points[t] = face.landmarks
    return points
