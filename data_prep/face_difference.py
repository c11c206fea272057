"""How far landmarks are from those that are found in every frame."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from data_prep.corpora import RawClip
from talkface.data.layout import ClipReader, read_manifest
from talkface.data.media import read_video
from talkface.faces import LandmarkDetector
from talkface.metrics.opening import MotionAgreement, openings

Points: TypeAlias = dict[str, Float[Tensor, "n 68 2"]]
"""Landmarks in pixels of the source by clip, NaN where no face is found."""

LIPS = slice(48, 68)
EQUAL = 0.005
"""Pixels by which points may differ from what they are stored as."""


def stored_points(root: Path) -> Points:
    """The landmarks of a prepared corpus that is all for training."""
    points = {}
    for record in read_manifest(root, "train"):
        reader = ClipReader(root, record)
        transforms = reader.transforms().double()
        centred = reader.landmarks().double() - transforms[:, None, :, 2]
        points[record.id] = (centred @ torch.linalg.inv(transforms[:, :, :2]).mT).float()
    return points


def moved_by_a_pixel(clips: Iterable[RawClip], detector: LandmarkDetector) -> Points:
    """What is found if the pictures are moved to the right, moved back."""
    points = {}
    for clip in clips:
        moved = read_video(clip.video).roll(1, dims=3)
        found = [
            faces[0].landmarks if faces else torch.full((68, 2), torch.nan)
            for faces in detector.detect(moved)
        ]
        points[clip.id] = torch.stack(found) - torch.tensor([1.0, 0.0])
    return points


def compare(points: Points, reference: Mapping[str, Float[Tensor, "n 68 2"]]) -> str:
    """What to say about how ``points`` differ from ``reference``."""
    pairs = [(points[name], reference[name]) for name in points]
    apart = torch.cat([(one - other).norm(dim=2) for one, other in pairs])
    eyes = torch.cat([(other[:, 36] - other[:, 45]).norm(dim=1) for _, other in pairs])
    seen = apart.isfinite().all(dim=1)
    apart, lips, eyes = apart[seen], apart[seen][:, LIPS], eyes[seen]
    equal = (apart < EQUAL).all(dim=1).float().mean()
    return (
        f"landmarks differ by {apart.mean():.3f} pixels ({(apart / eyes[:, None]).mean():.4f} of "
        f"the outer eye corners), 99 % by less than {_quantile(apart):.2f}; lips by "
        f"{lips.mean():.3f}, 99 % by less than {_quantile(lips):.2f}; {100 * equal:.0f} % of the "
        f"frames are equal; {_opening(pairs)}"
    )


def _quantile(values: Float[Tensor, "n p"]) -> float:
    flat = values.flatten().sort().values
    return float(flat[int(0.99 * (len(flat) - 1))])


def _opening(pairs: Iterable[tuple[Float[Tensor, "n 68 2"], Float[Tensor, "n 68 2"]]]) -> str:
    mouth, eyes = MotionAgreement(lags=0), MotionAgreement(lags=0)
    for one, other in pairs:
        everywhere = torch.ones(len(one), dtype=torch.bool)
        mouth.update(openings(one).mouth, openings(other).mouth, everywhere)
        eyes.update(openings(one).eyes, openings(other).eyes, everywhere)
    lips, lids = mouth.compute(), eyes.compute()
    return (
        f"opening of the mouth r {lips.r:.4f} gain {lips.gain:.3f}, "
        f"of the eyes r {lids.r:.4f} gain {lids.gain:.3f}"
    )
