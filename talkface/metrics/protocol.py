"""How every metric is measured, in the words that go with its figures."""

from collections.abc import Iterable

from talkface.metrics.cpbd import BLOCK
from talkface.metrics.table import column

PICTURES = "RGB floats in [0, 1], per frame, then mean over frames, then over clips"

STATEMENTS = {
    "psnr": f"{PICTURES}; frames equal to the truth bit by bit have no PSNR",
    "ssim": f"{PICTURES}; Gaussian window of 1.5 pixels, whole windows only",
    "cpbd": f"BT.601 luma, blocks of {BLOCK} pixels; undefined for smaller frames",
    "lpips": "AlexNet, version 0.1, at the size of the frames",
    "fid": "Inception of pytorch-fid, frames of all clips pooled; depends on their number",
    "holes": "small dark or bright spots that the truth does not have, share of the pixels",
    "csim": "cosine of the codes of an identity encoder, every frame against the identity",
    "identity_rank": "clips whose mean code is nearer to their own speaker's portrait than to "
    "that of any other test identity, one portrait each",
    "lmd_mouth": "mean distance of the 20 lip points from those read in the true frames",
    "lmd_face": "the same of all 68 points",
    "mouth_r": "gap of the inner lips over the distance of the outer eye corners, spoken frames, "
    "all clips pooled without their means, lag 0",
    "mouth_gain": "standard deviation over that of the truth",
    "mouth_peak": "shift with the highest correlation, positive = too late",
    "head_r": "tip of the nose and tilt of the eye corners in the crop, which follows the head, "
    "over the distance of the corners; all frames and clips pooled, each without its mean",
    "lse_c": "SyncNet on whole frames at 224 x 224, median less minimum over 31 lags",
    "lse_d": "minimum over 31 lags; a constant delay costs nothing, so see the offset",
    "sync_confidence": "cosine codes of the model's own encoders, median less minimum over lags",
    "sync_offset": "lag of that minimum, positive = lips too late",
    "flicker": "mean difference of the changes from frame to frame, grey levels of 255",
    "jitter": "mean second difference of the landmarks; the truth has one, too",
}
"""By metric; those of the eyes are measured as those of the mouth."""


def statements(metrics: Iterable[str]) -> dict[str, str]:
    """How those of ``metrics`` are measured about which there is something to say, by title."""
    return {column(metric).title: STATEMENTS[metric] for metric in metrics if metric in STATEMENTS}
