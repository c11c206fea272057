"""Judges by what they need: the same for `talkface test` and `talkface compare`."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from jaxtyping import Float, Int16
from torch import Tensor

from talkface.data.mfcc import Mfcc
from talkface.metrics.judge import Judge
from talkface.metrics.perceptual import Lpips, PooledFid
from talkface.metrics.pictures import Embedding, Likeness, Pictures, Points
from talkface.metrics.pretrained import MissingWeightsError, fid_network, lpips_network
from talkface.metrics.sync_judge import LipSync
from talkface.models.identity import IdentityEncoder
from talkface.models.syncnet import SyncNetError, load_syncnet
from talkface.models.weights import WarmStartError

log = logging.getLogger(__name__)

MISSING = (MissingWeightsError, SyncNetError, WarmStartError)
"""Why a metric that needs weights cannot be measured."""


@dataclass(frozen=True)
class Weighted:
    """Metrics that need weights which do not come with this package.

    Weights that are missing cost one metric, not the test: the table says so.

    Args:
        syncnet: File of SyncNet (``syncnet_v2.model``), for LSE-C and LSE-D.
        identity: Checkpoint of ``experiment: identity``, for the cosine similarity of identity.
            It should have been trained at the side at which faces are judged.
        lpips: Measure LPIPS; downloads the AlexNet of torchvision if it is not there.
        fid: Measure FID; downloads the Inception of pytorch-fid if it is not there.
    """

    syncnet: Path | None = None
    identity: Path | None = None
    lpips: bool = False
    fid: bool = False


@dataclass
class Bench:
    """Who judges, and what could not be had.

    Attributes:
        judges: Judges of single clips.
        fid: Pools the frames of all clips, where it is asked for and can be had.
        codes: Tells people apart, where an identity encoder is given and can be had.
        left_out: Why a metric is left out, by its name.
    """

    judges: list[Judge] = field(default_factory=list)
    fid: PooledFid | None = None
    codes: Embedding | None = None
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        """A sentence for every metric that is left out."""
        return [f"{metric} is left out: {reason}" for metric, reason in self.left_out.items()]

    @contextmanager
    def trying(self, metric: str) -> Iterator[None]:
        """Note that a metric is left out, instead of failing, where its weights are missing."""
        try:
            yield
        except MISSING as error:
            self.left_out[metric] = str(error)
            log.warning("%s", self.notes[-1])


def seat(weighted: Weighted, *, points: bool) -> Bench:
    """Everybody who judges a test.

    Args:
        weighted: Metrics that need weights.
        points: Whether landmarks will be read, for those that need them.
    """
    bench = Bench([Pictures(), *([Points()] if points else [])])
    if weighted.syncnet is not None:
        with bench.trying("LSE"):
            bench.judges.append(LipSync(load_syncnet(weighted.syncnet), psf_columns()))
    if weighted.identity is not None:
        with bench.trying("CSIM"):
            bench.codes = embedding(weighted.identity)
            bench.judges.append(Likeness(bench.codes))
    if weighted.lpips:
        with bench.trying("LPIPS"):
            bench.judges.append(Lpips(lpips_network()))
    if weighted.fid:
        with bench.trying("FID"):
            bench.fid = PooledFid(fid_network())
    return bench


def psf_columns() -> Callable[[Int16[Tensor, " samples"]], Float[Tensor, "columns 13"]]:
    """MFCC as SyncNet hears them: those of python_speech_features by default."""
    front_end = Mfcc("psf")

    def columns(sound: Int16[Tensor, " samples"]) -> Float[Tensor, "columns 13"]:
        heard: Tensor = front_end(sound)
        return heard

    return columns


def embedding(checkpoint: Path) -> Callable[[Float[Tensor, "n 3 h w"]], Float[Tensor, "n d"]]:
    """Codes of a pre-trained identity encoder, from RGB frames in [0, 1] of its own side.

    Raises:
        WarmStartError: The file is missing, or holds something else.
    """
    encoder = IdentityEncoder.load(checkpoint)

    def codes(frames: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n d"]:
        code: Tensor = encoder.to(frames.device)(2 * frames - 1).code
        return code

    return codes
