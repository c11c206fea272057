"""A schematic face whose 68 points are known, and pictures of it."""

import math

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from talkface.faces import TEMPLATE, Face


def _arc(centre: tuple[float, float], size: tuple[float, float], *turn: float) -> list[list[float]]:
    """Points on an ellipse, from angle to angle in degrees, clockwise from the right."""
    first, last, count = turn
    angles = torch.linspace(math.radians(first), math.radians(last), int(count))
    return [
        [centre[0] + size[0] * math.cos(a), centre[1] + size[1] * math.sin(a)]
        for a in angles.tolist()
    ]


def face_points(opening: float = 0.04) -> Float[Tensor, "68 2"]:
    """iBUG points in the unit square, eyes and mouth at the template."""
    left, right, mouth = TEMPLATE
    points = _arc((0.5, 0.45), (0.3, 0.5), 180, 0, 17)
    points += _arc((left[0], left[1] - 0.02), (0.1, 0.08), 200, 340, 5)
    points += _arc((right[0], right[1] - 0.02), (0.1, 0.08), 200, 340, 5)
    points += [[0.5, 0.37 + 0.05 * i] for i in range(4)]
    points += [[0.44 + 0.03 * i, 0.56] for i in range(5)]
    for x, y in (left, right):
        points += _arc((x, y), (0.06, 0.03), 180, 480, 6)
    points += _arc(mouth, (0.12, 0.03 + opening), 180, 510, 12)
    points += _arc(mouth, (0.09, opening), 180, 495, 8)
    return torch.tensor(points)


def placed(
    points: Float[Tensor, "68 2"],
    size: float = 100.0,
    corner: tuple[float, float] = (60.0, 40.0),
    degrees: float = 0.0,
) -> Float[Tensor, "68 2"]:
    """Unit-square points in pixels of a source picture."""
    angle = math.radians(degrees)
    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return size * points @ turn.T + torch.tensor(corner)


def draw(
    points: Float[Tensor, "68 2"], height: int = 160, width: int = 200, sigma: float = 5.0
) -> UInt8[Tensor, "3 h w"]:
    """A dark picture with a bright spot at each eye (red, green) and the mouth (blue)."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    parts = (points[36:42], points[42:48], points[48:68])
    spots = []
    for cx, cy in (part.mean(dim=0).tolist() for part in parts):
        squared = (x - cx) ** 2 + (y - cy) ** 2
        spots.append(torch.exp(-squared / (2 * sigma**2)))
    return (255 * torch.stack(spots)).round().to(torch.uint8)


class KnownFaces:
    """A detector that answers what the test knows."""

    def __init__(self, faces: list[list[Face]]) -> None:
        self._faces = faces

    def detect(
        self, frames: UInt8[Tensor, "n 3 h w"], *, tracked: bool = False
    ) -> list[list[Face]]:
        """The known faces of as many frames."""
        return self._faces[: len(frames)]
