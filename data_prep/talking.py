"""Which of several faces is heard."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int16
from torch import Tensor

from data_prep.corpora.raw import ClipError
from talkface.faces import Face, follow, tracks
from talkface.types import FPS, SAMPLE_RATE

STEP = SAMPLE_RATE // FPS
LAG = 1
"""By how many frames sound and mouth may be apart."""

LEAST_PAIRS = 6
"""Frames that a correlation takes."""

LEAST = 0.2
"""Least correlation of a mouth with the sound that it makes."""

SEEN = 0.5
"""Share of the frames in which who talks is seen."""

STILL = 1e-6
"""Standard deviation of what does not change."""

UPPER, LOWER = (61, 62, 63), (67, 66, 65)
"""Inner edges of the lips, one above the other."""


def talking_face(
    faces: Sequence[Sequence[Face]], sound: Int16[Tensor, " samples"]
) -> Float[Tensor, "n 68 2"]:
    """The points of the face whose mouth opens with the sound, NaN where it was not found.

    Args:
        faces: The faces of every frame.
        sound: What is heard with them, 16,000 samples per second.

    Raises:
        NoFaceError: No frame has a face.
        ClipError: There are several, and the mouth of none moves with the sound.
    """
    seen = [points for points in tracks(faces) if known(points).float().mean().item() >= SEEN]
    if len(seen) <= 1:
        return seen[0] if seen else follow(faces)
    heard = loudness(sound, len(faces))
    scores = [agreement(points, heard) for points in seen]
    best = max(range(len(scores)), key=scores.__getitem__)
    if scores[best] < LEAST:
        found = ", ".join(f"{score:.2f}" for score in scores)
        raise ClipError(
            f"None of {len(seen)} faces moves its mouth with the sound (correlations {found}, "
            f"at least {LEAST}). Choose `--face largest`."
        )
    return seen[best]


def agreement(points: Float[Tensor, "n 68 2"], heard: Float[Tensor, " n"]) -> float:
    """Correlation of the opening of a mouth with loudness, at the lag where it is largest.

    Args:
        points: Landmarks, NaN in frames where they are unknown.
        heard: Loudness of every frame.
    """
    gap = (points[:, LOWER] - points[:, UPPER]).norm(dim=2).mean(dim=1)
    opening = gap / (points[:, 45] - points[:, 36]).norm(dim=1)
    there, frames = known(points), len(points)
    found = [0.0]
    for lag in range(-LAG, LAG + 1):
        mouth, ear = (
            slice(max(0, lag), frames + min(0, lag)),
            slice(max(0, -lag), frames - max(0, lag)),
        )
        pair = torch.stack((opening[mouth], heard[ear]))[:, there[mouth]]
        if pair.shape[1] > LEAST_PAIRS and pair.std(dim=1).min() > STILL:
            found.append(float(torch.corrcoef(pair)[0, 1]))
    return max(found)


def loudness(sound: Int16[Tensor, " samples"], frames: int) -> Float[Tensor, " {frames}"]:
    """Logarithm of the power of the sound of every frame, silent beyond its end."""
    padded = F.pad(sound.float(), (0, max(0, frames * STEP - len(sound))))[: frames * STEP]
    return padded.view(frames, STEP).square().mean(dim=1).add(100).log()


def known(points: Float[Tensor, "n 68 2"]) -> Bool[Tensor, " n"]:
    """In which frames all points are known."""
    return points.isfinite().all(dim=2).all(dim=1)
