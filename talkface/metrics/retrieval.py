"""Does a sound find its own lips?"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def frame_retrieval(
    audio: Float[Tensor, "b t d"], lips: Float[Tensor, "b t d"], within: int = 1
) -> Float[Tensor, ""]:
    """Share of frames whose sound is nearest, among the lips of its window, to its own.

    Codes are standardised over the batch and compared by cosine; a choice at most ``within``
    frames away counts. Chance is about ``(2 * within + 1) / t``.
    """
    units = []
    for codes in (audio, lips):
        flat = codes.float().flatten(0, 1)
        flat = (flat - flat.mean(0)) / (flat.std(0, correction=0) + 1e-5)
        units.append(F.normalize(flat, dim=1).view_as(codes))
    choice = (units[0] @ units[1].transpose(1, 2)).argmax(2)
    frame = torch.arange(choice.shape[1], device=choice.device)
    return ((choice - frame).abs() <= within).float().mean()
