"""Faces of a clip of which few frames are searched.

Lips move within two frames as much as a line over time cannot know. But within one clip a mouth
that looks alike has the same shape: the frames in between are found by ``regress``, which also
says what error to expect. Where that is too much, the frame is searched as well.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from talkface.faces.align import clip_transforms, crop, move_points
from talkface.faces.landmarks import Face, LandmarkDetector, box_overlap
from talkface.faces.regress import SIDE, guess_points
from talkface.faces.track import complete

EVERY = 4
"""One frame in so many is searched in any case."""

TOLERANCE = 0.004
"""Largest error to expect of a frame that is not searched, in distances of the outer eye corners.

For comparison: MediaPipe's points move by 0.0027 if the picture is moved by one pixel.
"""

SAME = 0.5
"""Least overlap of the boxes of a face in two searched frames that follow."""

LONGEST = 250
"""Frames that are looked at together: bounds time and memory."""

Search: TypeAlias = Callable[[UInt8[Tensor, "m 3 h w"]], list[list[Face]]]


class SparseDetector:
    """Searches few frames of a clip, behind the interface of ``LandmarkDetector``.

    Args:
        detector: Searches.
        every: One frame in so many is searched in any case.
    """

    def __init__(self, detector: LandmarkDetector, every: int = EVERY) -> None:
        self.detector, self.every = detector, every

    def detect(
        self, frames: UInt8[Tensor, "n 3 h w"], *, tracked: bool = False
    ) -> list[list[Face]]:
        """Faces of every picture, largest first.

        Of ``tracked`` pictures, all are searched around those that do not show one face alone, or
        another.
        """
        if not tracked:
            return self.detector.detect(frames)
        runs = frames.split(LONGEST)
        return [faces for run in runs for faces in faces_between(run, self.search, self.every)]

    def search(self, frames: UInt8[Tensor, "m 3 h w"]) -> list[list[Face]]:
        """Faces of some frames, which do not follow each other."""
        return self.detector.detect(frames)


def faces_between(frames: UInt8[Tensor, "n 3 h w"], search: Search, every: int) -> list[list[Face]]:
    """Faces of consecutive frames, few of which are searched.

    Args:
        frames: Consecutive RGB frames.
        search: Finds the faces of pictures.
        every: One frame in so many is searched in any case.
    """
    first = sorted({*range(0, len(frames), every), len(frames) - 1})
    faces = _filled(frames, _searched(frames, first, search), search)
    rest = [t for t in range(len(frames)) if t not in faces]
    faces |= _searched(frames, rest, search)
    return [faces[t] for t in range(len(frames))]


def _searched(
    frames: UInt8[Tensor, "n 3 h w"], which: Sequence[int], search: Search
) -> dict[int, list[Face]]:
    return dict(zip(which, search(frames[list(which)]), strict=True)) if which else {}


def _filled(
    frames: UInt8[Tensor, "n 3 h w"], found: Mapping[int, list[Face]], search: Search
) -> dict[int, list[Face]]:
    """``found``, and the faces of frames between those of ``found`` that show the same one."""
    faces = dict(found)
    for stretch in _stretches(found):
        known = {t: found[t] for t in stretch}
        crops, transforms = _crops(frames, known)
        while list(_stretches(known)) == [sorted(known)]:
            guessed, doubtful = _guessed(crops, transforms, known)
            if not doubtful:
                faces |= guessed
                break
            known |= _searched(frames, doubtful, search)
        else:
            known = _filled(frames, known, search)
        faces |= known
    return faces


def _stretches(found: Mapping[int, list[Face]]) -> Iterator[list[int]]:
    """Runs of searched frames that show one face alone, the same."""
    run: list[int] = []
    for t, faces in sorted(found.items()):
        if run and not (len(faces) == 1 and _same(found[run[-1]][0], faces[0])):
            yield from [run] if len(run) > 1 else []
            run = []
        run += [t] if len(faces) == 1 else []
    yield from [run] if len(run) > 1 else []


def _same(one: Face, other: Face) -> bool:
    return box_overlap(one.box, other.box) >= SAME


def _crops(
    frames: UInt8[Tensor, "n 3 h w"], known: Mapping[int, list[Face]]
) -> tuple[UInt8[Tensor, "m 3 S S"], Float[Tensor, "m 2 3"]]:
    """The frames from the first known one to the last, cropped, and source to crop pixels."""
    first, last = min(known), max(known)
    points = torch.full((last + 1 - first, 68, 2), torch.nan)
    for t, faces in known.items():
        points[t - first] = faces[0].landmarks
    transforms = clip_transforms(complete(points, max_gap=len(points))[0], SIDE)
    return crop(frames[first : last + 1], transforms, SIDE), transforms


def _guessed(
    crops: UInt8[Tensor, "m 3 S S"],
    transforms: Float[Tensor, "m 2 3"],
    known: Mapping[int, list[Face]],
) -> tuple[dict[int, list[Face]], list[int]]:
    """Faces of the frames between the known ones, and which of these must be searched instead.

    Of the frames between two known ones it is that of the largest error, if that is too large.
    """
    times = sorted(known)
    here = torch.tensor(times) - times[0]
    points = torch.stack([known[t][0].landmarks for t in times])
    guess = guess_points(crops, here, move_points(points, transforms[here]))
    landmarks = _back(guess.points, transforms).float()
    faces, doubtful = {}, []
    for before, after in pairwise(times):
        for t in range(before + 1, after):
            share = (t - before) / (after - before)
            box = torch.lerp(known[before][0].box, known[after][0].box, share)
            faces[t] = [Face(landmarks[t - times[0]], box)]
        errors = guess.error[before - times[0] : after - times[0]]
        if errors.max() > TOLERANCE:
            doubtful.append(before + int(errors.argmax()))
    return faces, doubtful


def _back(
    points: Float[Tensor, "m p 2"], transforms: Float[Tensor, "m 2 3"]
) -> Float[Tensor, "m p 2"]:
    """Points of the crop in pixels of the source."""
    matrices = transforms.to(points)
    centred: Tensor = points - matrices[:, None, :, 2]
    moved: Tensor = centred @ torch.linalg.inv(matrices[:, :, :2]).mT
    return moved
