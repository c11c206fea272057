"""Who says how late the lips of a clip are: the energy of the voice, or SyncNet."""

import math
from functools import cache
from pathlib import Path
from typing import Protocol

from data_prep.quality.lag import Lag, lag, voice_levels
from talkface.data.layout import ClipReader
from talkface.data.mfcc import Mfcc
from talkface.metrics.opening import openings
from talkface.metrics.sync import lse, sync_windows
from talkface.metrics.sync_judge import LipSync
from talkface.models.syncnet import load_syncnet


class SyncJudge(Protocol):
    """Says how late lips are."""

    @property
    def name(self) -> str:
        """What stands in the table; figures of different judges do not compare."""
        ...

    def __call__(self, reader: ClipReader) -> Lag:
        """Judge one clip."""
        ...


class EnergyJudge:
    """By the opening of the mouth and the energy of the voice; its confidence is a correlation."""

    name = "energy"

    def __call__(self, reader: ClipReader) -> Lag:
        """Judge one clip, without a look at its pictures."""
        mouth = openings(reader.landmarks()).mouth
        return lag(mouth, voice_levels(reader.sound(), len(mouth)))


class SyncNetJudge:
    """By SyncNet: the offset of least distance, and LSE-C as confidence.

    Args:
        judge: The judge of renderings, of which the codes are taken.
    """

    name = "syncnet"

    def __init__(self, judge: LipSync) -> None:
        self._judge = judge

    def __call__(self, reader: ClipReader) -> Lag:
        """Judge one clip; NaN if it is shorter than six frames."""
        sound, total = reader.sound(), reader.record.frames
        count = sync_windows(total, len(sound))
        if not count:
            return Lag(math.nan, math.nan)
        frames = reader.frames(range(total)) / 255
        audio = self._judge.audio_codes(sound, count, frames.device)
        found = lse(self._judge.lip_codes(frames, count), audio)
        return Lag(float(found.offset), float(found.confidence))


@cache
def sync_judge(weights: Path | None) -> SyncJudge:
    """SyncNet where there are ``weights``, else the energy of the voice; once per process.

    Raises:
        SyncNetError: The weights are missing, damaged, or those of something else.
    """
    if weights is None:
        return EnergyJudge()
    return SyncNetJudge(LipSync(load_syncnet(weights), Mfcc("psf")))
