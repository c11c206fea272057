"""The judge of lip sync by SyncNet: from frames and sound to LSE-D and LSE-C."""

import math
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int16
from torch import Tensor
from torch.nn import functional as F

from talkface.metrics.judge import Shown
from talkface.metrics.sync import WINDOW, lse, sync_windows

SIDE = 224
"""Side in pixels that SyncNet sees."""

COLUMNS, PER_FRAME = 20, 4
"""Columns of MFCC that one code of SyncNet hears, and columns per video frame."""

BATCH = 20
"""Windows encoded at once, as in the published program; each takes 3 MB."""


@runtime_checkable
class SyncNetwork(Protocol):
    """What the judge asks of a SyncNet; ``talkface.models.syncnet.SyncNet`` is one."""

    def audio(self, mfcc: Float[Tensor, "n 1 13 20"]) -> Float[Tensor, "n d"]:
        """Codes of sound."""

    def lips(self, video: Float[Tensor, "n 3 5 224 224"]) -> Float[Tensor, "n d"]:
        """Codes of runs of frames, BGR in [0, 255]."""

    def to(self, device: torch.device, /) -> object:
        """Move to where the frames are."""


class LipSync:
    """LSE-D, LSE-C and the size of the offset in frames, of one clip (Prajwal et al. 2020).

    The procedure is that of the published program ``calculate_scores_LRS.py``: every whole frame,
    without a face detector, at 224 x 224 pixels, resized bilinearly without antialiasing as
    ``cv2.resize`` does. Its frames went through JPEG and ours do not. NaN where a clip has no
    window, being shorter than six frames, or no sound.

    Args:
        network: SyncNet in evaluation mode; scores compare only among the same weights.
        mfcc: All columns of a sound on the CPU, as python_speech_features 0.6 gives them by
            default: ``talkface.data.mfcc.Mfcc("psf")``.
    """

    metrics: tuple[str, ...] = ("lse_d", "lse_c", "lse_offset")

    def __init__(
        self,
        network: SyncNetwork,
        mfcc: Callable[[Int16[Tensor, " samples"]], Float[Tensor, "columns 13"]],
    ) -> None:
        self.network, self.mfcc = network, mfcc

    @torch.no_grad()
    def __call__(self, shown: Shown, truth: Shown) -> dict[str, float]:
        """Figures of the lips of ``shown`` and its sound, or that of ``truth`` if it has none."""
        sound = truth.sound if shown.sound is None else shown.sound
        count = 0 if sound is None else sync_windows(len(shown.frames), len(sound))
        if sound is None or not count:
            return dict.fromkeys(self.metrics, math.nan)
        device = shown.frames.device
        self.network.to(device)
        lips = self.lip_codes(shown.frames, count)
        scores = lse(lips, self.audio_codes(sound, count, device))
        return {
            "lse_d": float(scores.distance),
            "lse_c": float(scores.confidence),
            "lse_offset": float(scores.offset.abs()),
        }

    def lip_codes(self, frames: Float[Tensor, "t 3 h w"], count: int) -> Float[Tensor, "n d"]:
        """Codes of the first ``count`` windows of RGB frames in [0, 1]."""
        codes = []
        for first in range(0, count, BATCH):
            last = min(first + BATCH, count)
            seen = as_seen(frames[first : last + WINDOW - 1])
            codes.append(self.network.lips(seen.unfold(0, WINDOW, 1).permute(0, 1, 4, 2, 3)))
        return torch.cat(codes)

    def audio_codes(
        self, sound: Int16[Tensor, " samples"], count: int, device: torch.device
    ) -> Float[Tensor, "n d"]:
        """Codes of the sound of the first ``count`` windows."""
        columns = self.mfcc(sound.cpu()).unfold(0, COLUMNS, PER_FRAME)[:count, None]
        return torch.cat([self.network.audio(part) for part in columns.to(device).split(BATCH)])


def as_seen(frames: Float[Tensor, "t 3 h w"]) -> Float[Tensor, "t 3 224 224"]:
    """RGB frames in [0, 1] as SyncNet sees them: whole numbers in [0, 255], BGR, 224 x 224."""
    levels = (frames.flip(1) * 255).round()
    if frames.shape[2:] != (SIDE, SIDE):
        levels = F.interpolate(levels, (SIDE, SIDE), mode="bilinear", align_corners=False).round()
    return levels
