"""Where in a face an error weighs more."""

import torch
from jaxtyping import Float
from torch import Tensor

MOUTH = slice(48, 68)
EYES = (slice(36, 42), slice(42, 48))


def region_weights(
    landmarks: Float[Tensor, "n 68 2"], side: int, mouth: float, eyes: float
) -> Float[Tensor, "n 1 side side"]:
    r"""Weight map: 1 far from mouth and eyes, ``mouth`` and ``eyes`` in their centres.

    Each region is $e^{-((dx/w)^2 + (dy/h)^2)^2}$ about the centre of its points: flat inside,
    steep at the rim; $w$ is 0.75 of its width, for the mouth $h$ is 0.9 of its height but at least
    0.45 of its width, for an eye $h$ is 0.5 of its width. Unknown points weigh nothing extra.
    """
    axis = torch.arange(side, device=landmarks.device, dtype=landmarks.dtype)
    weights = landmarks.new_ones(len(landmarks), side, side)
    regions = [(MOUTH, mouth, 0.9, 0.45), *((eye, eyes, 0.0, 0.5) for eye in EYES)]
    for points, weight, tall, least in regions:
        if weight == 1:
            continue
        low, high = landmarks[:, points].amin(1), landmarks[:, points].amax(1)
        centre = (low + high) / 2
        width, height = (high - low).clamp(min=1e-3).unbind(1)
        reach = torch.maximum(tall * height, least * width)[:, None, None]
        dx = (axis[None, None, :] - centre[:, :1, None]) / (0.75 * width[:, None, None])
        dy = (axis[None, :, None] - centre[:, 1:, None]) / reach
        bump = torch.exp(-((dx.square() + dy.square()).square()))
        weights = weights + (weight - 1) * bump.nan_to_num(0.0)
    return weights.unsqueeze(1)
