"""One face through a clip: follow it from frame to frame, bridge gaps, smooth its path."""

from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from talkface.faces.errors import NoFaceError
from talkface.faces.landmarks import Face

MAX_GAP = 5
"""Longest run of frames without a face that is bridged."""


def follow(faces: Sequence[Sequence[Face]]) -> Float[Tensor, "n 68 2"]:
    """The points of one face in every frame, NaN where it was not found.

    The face is the largest of the clip. From the frame where it is largest it is followed both
    ways, each time to the nearest face whose centre moved by less than the width of its box, so
    that a second person never takes its place.

    Args:
        faces: The faces of every frame, as a detector gives them.

    Raises:
        NoFaceError: No frame has a face.
    """
    points = torch.full((len(faces), 68, 2), torch.nan)
    largest = [max((face.area for face in frame), default=0.0) for frame in faces]
    if not any(largest):
        raise NoFaceError(
            f"No face found in any of the {len(faces)} frames. Use a picture in which one face "
            "is seen from the front, upright, and not too small."
        )
    start = largest.index(max(largest))
    first = max(faces[start], key=lambda face: face.area)
    for frames in (range(start, len(faces)), range(start, -1, -1)):
        last = first
        for t in frames:
            nearest = _nearest(last, faces[t])
            if nearest is not None:
                points[t], last = nearest.landmarks, nearest
    return points


def complete(
    points: Float[Tensor, "n 68 2"], max_gap: int = MAX_GAP
) -> tuple[Float[Tensor, "n 68 2"], int]:
    """Bridge short gaps: linearly between two found faces, with the nearest one at the ends.

    Args:
        points: Landmarks, NaN in frames without a face.
        max_gap: Longest gap that is bridged, in frames.

    Returns:
        Landmarks without NaN, and the number of frames that were bridged.

    Raises:
        NoFaceError: A gap is longer; the message names its frames, counted from 0.
    """
    missing = points.isnan().any(dim=2).any(dim=1)
    long = [run for run in runs(missing) if len(run) > max_gap or len(run) == len(points)]
    if long:
        spans = ", ".join(f"{run[0]}-{run[-1]}" for run in long)
        raise NoFaceError(
            f"No face in frames {spans} of {len(points)} (gaps of up to {max_gap} frames "
            "are bridged). Cut the clip to the part in which the face is seen."
        )
    known = (~missing).nonzero().flatten()
    frames = torch.arange(len(points))
    after = torch.searchsorted(known, frames).clamp(max=len(known) - 1)
    before = (torch.searchsorted(known, frames, right=True) - 1).clamp(min=0)
    low, high = known[before], known[after]
    share = ((frames - low) / (high - low).clamp(min=1)).clamp(0, 1)[:, None, None]
    return torch.lerp(points[low], points[high], share.to(points)), int(missing.sum())


def smooth(path: Float[Tensor, "n c"], sigma: float) -> Float[Tensor, "n c"]:
    r"""Local linear regression over time with a Gaussian window.

    Unlike a moving average it follows steady motion exactly up to the ends of the clip
    (Cleveland 1979, https://doi.org/10.1080/01621459.1979.10481038).

    Args:
        path: Values for each frame.
        sigma: Standard deviation of the window in frames.
    """
    reach = int(4 * sigma)
    offset = torch.arange(-reach, reach + 1, dtype=path.dtype)
    weight = torch.exp(-0.5 * (offset / sigma) ** 2)
    windows = torch.stack((weight, weight * offset, weight * offset**2))[:, None]
    there = F.conv1d(path.new_ones(1, 1, len(path)), windows, padding=reach)[0]
    values = F.conv1d(path.T[:, None], windows[:2], padding=reach)
    slope_weight = there[2] + 1e-9
    level = slope_weight * values[:, 0] - there[1] * values[:, 1]
    return (level / (there[0] * slope_weight - there[1] ** 2)).T


def runs(mask: Bool[Tensor, " n"]) -> list[range]:
    """The runs of consecutive frames in which ``mask`` holds."""
    padded = torch.cat((mask.new_zeros(1), mask, mask.new_zeros(1))).int()
    edges = padded.diff().nonzero().flatten().tolist()
    return [range(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _nearest(last: Face, candidates: Iterable[Face]) -> Face | None:
    """The candidate whose centre is nearest to ``last``, if within the width of its box."""
    reach = float(last.box[2] - last.box[0])
    distance, face = min(
        (((_centre(face) - _centre(last)).norm().item(), face) for face in candidates),
        key=lambda pair: pair[0],
        default=(float("inf"), None),
    )
    return face if distance < reach else None


def _centre(face: Face) -> Float[Tensor, "2"]:
    return (face.box[:2] + face.box[2:]) / 2
