"""How far the landmarks of rendered frames lie from the true ones."""

from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from talkface.metrics.mean import Mean

REGIONS = {"mouth": slice(48, 68), "face": slice(0, 68)}
"""Points of a region, iBUG-68."""

EYE_CORNERS = (36, 45)
"""The outer ones."""

Region = Literal["mouth", "face"]


def point_distances(
    preds: Float[Tensor, "t 68 2"],
    target: Float[Tensor, "t 68 2"],
    region: Region = "mouth",
    *,
    normalize: bool = False,
    centered: bool = False,
) -> Float[Tensor, "t p"]:
    """Euclidean distance of every point of a region from its true place, NaN where unknown.

    Args:
        preds: iBUG-68 points in pixels, NaN where unknown.
        target: The same for the truth.
        region: ``mouth`` (points 48 to 67) or ``face`` (all 68).
        normalize: Divide by the distance of the true outer eye corners of the frame: no unit.
        centered: First move both so that the mean of the points compared is zero: what is
            measured then is the shape, not the place.

    Raises:
        ValueError: If there is no such region.
    """
    if region not in REGIONS:
        raise ValueError(f"There is no region {region!r}: choose one of {sorted(REGIONS)}.")
    apart = (preds - target)[:, REGIONS[region]]
    if centered:
        apart = apart - apart.nanmean(1, keepdim=True)
    distances: Tensor = torch.linalg.vector_norm(apart, dim=2)
    if normalize:
        first, second = (target[:, corner] for corner in EYE_CORNERS)
        distances = distances / torch.linalg.vector_norm(second - first, dim=1)[:, None]
    return distances


def landmark_distance(
    preds: Float[Tensor, "t 68 2"],
    target: Float[Tensor, "t 68 2"],
    region: Region = "mouth",
    *,
    normalize: bool = False,
    centered: bool = False,
) -> Float[Tensor, " t"]:
    """Mean of `point_distances` over the known points of every frame, NaN where none is known."""
    distances = point_distances(preds, target, region, normalize=normalize, centered=centered)
    return distances.nanmean(1)


class LandmarkDistance(Mean):
    r"""Mean Euclidean distance of landmarks, in pixels: LMD (Chen et al. 2018).

    $$\frac{1}{|P|} \sum_{(t, p) \in P} \lVert \hat x_{tp} - x_{tp} \rVert_2$$

    over all points of all frames that are known in both; the others are counted in ``left_out``
    (https://arxiv.org/abs/1803.10404). Compare published figures with care: they
    depend on the size of the pictures, a much copied program sums over the 20 points of the mouth
    where others average, which makes 20 times as much, and many first subtract the mean of the
    points (``centered``).

    Args:
        region: ``mouth`` (points 48 to 67) or ``face`` (all 68).
        normalize: Divide by the distance of the true outer eye corners of the frame: no unit.
        centered: Compare the points less their mean.

    Example:
        >>> LandmarkDistance()(torch.zeros(2, 68, 2), torch.tensor([3.0, 4.0]).expand(2, 68, 2))
        tensor(5.)
    """

    higher_is_better = False

    def __init__(
        self,
        region: Region = "mouth",
        *,
        normalize: bool = False,
        centered: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.region: Region = region
        self.normalize, self.centered = normalize, centered

    def update(self, preds: Float[Tensor, "t 68 2"], target: Float[Tensor, "t 68 2"]) -> None:
        """Add iBUG-68 points of frames and true ones, in pixels, NaN where unknown."""
        options = {"normalize": self.normalize, "centered": self.centered}
        distances = point_distances(preds, target, self.region, **options)
        self.add(distances, ~distances.isnan())
