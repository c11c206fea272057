"""Lip sync as the field reports it: LSE-D and LSE-C, from codes of the public SyncNet."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F
from torchmetrics import Metric

from talkface.types import FPS, SAMPLE_RATE

SHIFT = 15
"""Frames by which sound is shifted either way, as published."""

WINDOW = 5
"""Frames that one code of SyncNet sees."""


class LSE(NamedTuple):
    """Lip-sync error.

    Attributes:
        distance: LSE-D, the distance at the best offset; lower is better.
        confidence: LSE-C, how far the best offset stands out; higher is better.
        offset: The best offset in frames, positive = lips too late.
    """

    distance: Float[Tensor, ""]
    confidence: Float[Tensor, ""]
    offset: Float[Tensor, ""]


def sync_windows(frames: int, samples: int) -> int:
    """Windows of ``WINDOW`` frames that the published procedure looks at, 0 in short clips.

    It leaves out the last one that would fit. A clip of LRW, 29 frames, has 24.

    Args:
        frames: Frames of the clip.
        samples: Samples of its sound.

    Example:
        >>> sync_windows(29, 18560)
        24
    """
    return max(0, min(frames, samples // (SAMPLE_RATE // FPS)) - WINDOW)


def offset_distances(
    video: Float[Tensor, "n d"], audio: Float[Tensor, "n d"], shift: int = SHIFT
) -> Float[Tensor, "n offsets"]:
    """Distance of every video code from the audio codes ``-shift`` to ``shift`` frames away.

    As in the published program there are codes of zeros beyond both ends of the sound, which in
    short clips bends the curve: of 24 codes, a third of all distances is to such zeros. The
    distance is Euclidean, with torch's 1e-6 added to every difference.

    Args:
        video: Codes of the windows of a clip, not normalised.
        audio: Codes of the sound of the same windows.
        shift: Largest offset in frames.

    Raises:
        ValueError: If there is no code.
    """
    if not len(video):
        raise ValueError(
            "Lip sync needs at least one code, but there is none: leave out clips that have no "
            f"`sync_windows`, being shorter than {WINDOW + 1} frames."
        )
    padded = F.pad(audio, (0, 0, shift, shift))
    columns = [
        F.pairwise_distance(video, padded[first : first + len(video)])
        for first in range(2 * shift + 1)
    ]
    return torch.stack(columns, dim=1)


def lse(video: Float[Tensor, "n d"], audio: Float[Tensor, "n d"], shift: int = SHIFT) -> LSE:
    r"""LSE-D, LSE-C and the offset of one clip.

    With $\bar d_k$ the mean over the clip of `offset_distances` at offset $k$,

    $$D = \min_k \bar d_k, \qquad C = \operatorname{median}_k \bar d_k - D$$

    (Prajwal et al. 2020, https://arxiv.org/abs/2008.10010, section 4.2). Neither is hurt by a
    constant delay, so the offset belongs beside them.

    Args:
        video: Codes of the windows of a clip, not normalised.
        audio: Codes of the sound of the same windows.
        shift: Largest offset in frames.

    Raises:
        ValueError: If there is no code.
    """
    curve = offset_distances(video, audio, shift).mean(0)
    least, place = curve.min(0)
    return LSE(least, curve.median() - least, (shift - place).to(curve.dtype))


class LipSyncError(Metric):
    """Mean of `lse` over clips, of the offset without its sign.

    It has no single direction: distance and offset are to be low, the confidence high.

    Args:
        shift: Largest offset in frames.

    Example:
        >>> sound = 3 * torch.eye(40)
        >>> LipSyncError()(sound.roll(2, dims=0), sound).offset
        tensor(2., dtype=torch.float64)
    """

    higher_is_better = None
    full_state_update = False

    totals: Tensor
    clips: Tensor

    def __init__(self, shift: int = SHIFT, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shift = shift
        self.set_dtype(torch.float64)
        self.add_state("totals", torch.zeros(3, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("clips", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, preds: Float[Tensor, "n d"], target: Float[Tensor, "n d"]) -> None:
        """Add one clip.

        Args:
            preds: Codes of its lips.
            target: Codes of its sound.
        """
        distance, confidence, offset = lse(preds, target, self.shift)
        self.totals += torch.stack([distance, confidence, offset.abs()]).to(self.totals)
        self.clips += 1

    def compute(self) -> LSE:
        """The means, NaN without a clip."""
        distance, confidence, offset = self.totals / self.clips
        return LSE(distance, confidence, offset)
