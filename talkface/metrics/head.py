"""How a head moves in an aligned crop, and all that is read of a face's movement."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from talkface.metrics.opening import openings

LEFT, RIGHT, TIP = 36, 45, 30
"""Outer eye corners, as they lie in the picture, and the tip of the nose."""


class Movement(NamedTuple):
    """What is read of a face frame by frame, NaN where unknown.

    Attributes:
        mouth: Gap between the inner lips, in distances of the outer eye corners.
        eyes: Gap between the lids, mean of both eyes, likewise.
        head: As ``head_place`` gives it, in pixels.
    """

    mouth: Float[Tensor, "*b"]
    eyes: Float[Tensor, "*b"]
    head: Float[Tensor, "*b 3"]


def movement(landmarks: Float[Tensor, "*b 68 2"]) -> Movement:
    """All that iBUG-68 landmarks tell of movement."""
    return Movement(*openings(landmarks), head_place(landmarks))


def head_place(landmarks: Float[Tensor, "*b 68 2"]) -> Float[Tensor, "*b 3"]:
    """Where a head is and how it is tilted, in the pixels of the landmarks.

    x and y of the tip of the nose, and by how much the outer eye corner on the right lies lower
    than that on the left. A crop follows the head, so what is left of its motion is little: the
    tip shows turns and nods beside that, while the mean of eye corners and nose shows hardly any of
    them. A lid that closes pulls at the corner of its eye, but both at once leave their difference.

    Example:
        >>> face = torch.zeros(68, 2)
        >>> face[30], face[45, 1] = torch.tensor([4.0, 7.0]), 2.0
        >>> head_place(face)
        tensor([4., 7., 2.])
    """
    tilt = landmarks[..., RIGHT, 1:] - landmarks[..., LEFT, 1:]
    return torch.cat([landmarks[..., TIP, :], tilt], dim=-1)


def corner_distance(landmarks: Float[Tensor, "t 68 2"]) -> Float[Tensor, ""]:
    """Mean distance of the outer eye corners of a clip; NaN where they are never known.

    One figure for the clip: divided by that of each frame, a head would seem to move wherever the
    distance is misread.
    """
    apart = landmarks[:, RIGHT] - landmarks[:, LEFT]
    return apart.square().sum(1).sqrt().nanmean()
