"""How much the crops of a prepared corpus tremble, and how much they would without smoothing."""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from data_prep.run import limited
from talkface.data.layout import SPLITS, ClipReader, read_manifest
from talkface.faces import clip_transforms, move_points

CLIPS = 40
"""Clips that are looked at, spread over the corpus."""

LEAST_FRAMES = 3
"""Frames that a second difference takes."""


@dataclass(frozen=True)
class Jitter:
    """Mean second differences over time, in pixels of the crop.

    Attributes:
        clips: How many clips were looked at.
        raw: Of the picture, if every frame were aligned by its own points.
        smoothed: Of the picture as it is stored.
        landmarks: Of the stored landmarks, which also move with the face.
    """

    clips: int
    raw: float
    smoothed: float
    landmarks: float

    def __str__(self) -> str:
        return (
            f"Jitter of the crops: {self.smoothed:.3f} pixels, {self.raw:.3f} if every frame were "
            f"aligned by itself; of the landmarks: {self.landmarks:.3f} (mean second difference of "
            f"{self.clips} clips)"
        )


def measure_jitter(root: Path, side: int) -> Jitter | None:
    """Look at some clips of a prepared corpus; None where there are none.

    Args:
        root: Folder of the corpus.
        side: Side S of its crops in pixels.
    """
    splits = [split for split in SPLITS if (root / f"{split}.jsonl").is_file()]
    records = [record for split in splits for record in read_manifest(root, split)]
    chosen = limited([record for record in records if record.frames >= LEAST_FRAMES], CLIPS)
    if not chosen:
        return None
    readers = [ClipReader(root, record) for record in chosen]
    rows = [_clip(reader.landmarks(), reader.transforms(), side) for reader in readers]
    raw, smoothed, landmarks = torch.tensor(rows).mean(dim=0).tolist()
    return Jitter(len(rows), raw, smoothed, landmarks)


def second_difference(path: Float[Tensor, "n p 2"]) -> float:
    """Mean length of the second difference over time."""
    return float(path.diff(n=2, dim=0).norm(dim=2).mean())


def _clip(
    marks: Float[Tensor, "n 68 2"], transforms: Float[Tensor, "n 2 3"], side: int
) -> tuple[float, float, float]:
    """As ``Jitter`` has them: where a face that stood still would be in the crops."""
    source = _back(marks, transforms)
    still = source.median(dim=0).values.expand_as(source)
    alone = torch.cat([clip_transforms(points[None], side) for points in source])
    moved = (move_points(still, alone), move_points(still, transforms), marks)
    raw, smoothed, landmarks = map(second_difference, moved)
    return raw, smoothed, landmarks


def _back(
    points: Float[Tensor, "n p 2"], transforms: Float[Tensor, "n 2 3"]
) -> Float[Tensor, "n p 2"]:
    """Points of the crop in pixels of the source."""
    inverse = torch.linalg.inv(transforms[:, :, :2].double())
    source: Tensor = (points - transforms[:, None, :, 2]).double() @ inverse.mT
    return source.float()
