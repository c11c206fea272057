"""Which faces and which frames of a clip are used."""

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Final, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from talkface.faces.track import MAX_GAP, runs

OUTSIDE = 1 / 3
"""Largest share of the points that may lie outside the picture."""


@dataclass(frozen=True)
class Rules:
    """What is used of a clip.

    Attributes:
        face: Which of several faces: ``largest``, or ``talking``, the one that is heard.
        gaps: What happens where the face cannot be used for long, or the scene changes: ``skip``
            the clip, or ``split`` it there.
        least_face: Least distance of the outer corners of the eyes in pixels.
        most_yaw: Largest turn of the head to a side in degrees.
    """

    face: str = "largest"
    gaps: str = "skip"
    least_face: float = 12.0
    most_yaw: float = 60.0

    @property
    def changed(self) -> dict[str, Any]:
        """What is not as usual."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != field.default
        }

    @classmethod
    def of(cls, options: argparse.Namespace) -> "Rules":
        """The rules that the command line asks for."""
        return cls(options.face, options.gaps, options.least_face, options.most_yaw)


USUAL: Final = Rules()
"""What holds if nothing is said."""


def add_rules(command: argparse.ArgumentParser) -> None:
    """Add the options of ``Rules``."""
    add = command.add_argument
    faces, gaps = ("largest", "talking"), ("skip", "split")
    add("--face", choices=faces, default=USUAL.face, help="of several; talking: who is heard")
    add("--gaps", choices=gaps, default=USUAL.gaps, help="clips in which the face is lost, or cut")
    add("--least-face", type=float, default=USUAL.least_face, help="pixels between eye corners")
    add("--most-yaw", type=float, default=USUAL.most_yaw, help="degrees to a side")


class Flaw(NamedTuple):
    """Frames in which the face is not seen well enough.

    Attributes:
        frames: Consecutive frames.
        reason: What was found there, with numbers.
    """

    frames: range
    reason: str


def find_flaws(points: Float[Tensor, "n 68 2"], size: tuple[int, int], rules: Rules) -> list[Flaw]:
    """What is wrong with a face for more than ``MAX_GAP`` frames.

    Args:
        points: Landmarks, NaN in frames where they are unknown.
        size: Height and width of the pictures.
        rules: What is asked for.
    """
    height, width = size
    share = (points + 0.5) / points.new_tensor([width, height])
    outside = ((share < 0) | (share > 1)).any(dim=2).float().mean(dim=1)
    corners, yaw = (points[:, 45] - points[:, 36]).norm(dim=1), head_yaw(points)
    missing = points.isnan().any(dim=2).any(dim=1)
    none = torch.zeros(len(points))
    return [
        *_flaws(missing, none, "No face"),
        *_flaws(
            corners < rules.least_face,
            corners,
            f"The face is too small ({{:.1f}} pixels between the outer corners of the eyes, at "
            f"least {rules.least_face:g} by `--least-face`)",
        ),
        *_flaws(
            yaw > rules.most_yaw,
            yaw,
            f"The head is turned away (by {{:.0f}} degrees, at most {rules.most_yaw:g} by "
            "`--most-yaw`)",
        ),
        *_flaws(
            outside > OUTSIDE,
            100 * outside,
            f"The face is cut off ({{:.0f}} % of its points are outside the picture, at most "
            f"{100 * OUTSIDE:.0f} %)",
        ),
    ]


def head_yaw(points: Float[Tensor, "n 68 2"]) -> Float[Tensor, " n"]:
    r"""Turn of the head to a side in degrees, by how far the nose is from the middle of the eyes.

    $$\tan\psi = |l - r| / (l + r)$$

    with $l$ and $r$ the distances from the tip of the nose to the outer corners of the eyes, along
    the line between these: a nose sticks out about as far as an outer corner is from the middle.
    """
    axis = points[:, 45] - points[:, 36]
    length = axis.norm(dim=1)
    left = ((points[:, 30] - points[:, 36]) * axis).sum(dim=1) / length
    return torch.atan((2 * left - length).abs() / length) * (180 / math.pi)


def _flaws(bad: Bool[Tensor, " n"], values: Float[Tensor, " n"], what: str) -> Iterator[Flaw]:
    for run in runs(bad):
        if len(run) > MAX_GAP or len(run) == len(bad):
            found = what.format(float(values[run.start : run.stop].median()))
            yield Flaw(run, f"{found} in frames {run[0]}-{run[-1]} of {len(bad)}.")
