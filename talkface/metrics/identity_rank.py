"""Is it the right person among all who are tested?"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def mean_code(codes: Float[Tensor, "n d"]) -> Float[Tensor, " d"]:
    """Direction in which the codes of a clip's frames lie, each counted alike."""
    return F.normalize(codes.float(), dim=1).mean(0)


def recognised(
    clips: Mapping[str, Float[Tensor, " d"]],
    portraits: Mapping[str, Float[Tensor, " d"]],
    speakers: Mapping[str, str],
) -> dict[str, float]:
    """100 for every clip that is nearer to its speaker's portrait than to any other, else 0.

    A clip that is as near to another portrait is not recognised.

    Args:
        clips: One code per clip.
        portraits: One code per speaker, of at least two.
        speakers: Who is shown, by clip.

    Example:
        >>> portraits = {"anna": torch.tensor([1.0, 0.0]), "bela": torch.tensor([0.0, 1.0])}
        >>> recognised({"a": torch.tensor([2.0, 1.0])}, portraits, {"a": "anna"})
        {'a': 100.0}
    """
    names = list(portraits)
    gallery = F.normalize(torch.stack([portraits[name] for name in names]).double(), dim=1)
    found = {}
    for clip, code in clips.items():
        cosine = gallery @ F.normalize(code.double(), dim=0)
        own = names.index(speakers[clip])
        others = torch.cat([cosine[:own], cosine[own + 1 :]])
        found[clip] = 100.0 if cosine[own] > others.max() else 0.0
    return found
