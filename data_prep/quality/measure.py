"""The figures of one clip."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int16
from torch import Tensor

from data_prep.quality.judges import SyncJudge
from data_prep.quality.lag import FULL_SCALE, PER_FRAME, QUIETEST
from talkface.data.layout import ClipReader, ClipRecord
from talkface.metrics.cpbd import BLOCK, cpbd
from talkface.metrics.temporal import accelerations
from talkface.types import FPS

LOOKS = 4
"""Frames whose sharpness is measured, evenly spread over the clip."""

SILENCE = -50.0
"""Decibels of full scale under which a frame counts as silent in any case."""

PAUSE, LOUD = 30.0, 0.95
"""Decibels under the loudest frames but 5 % of them, where a frame counts as silent, too."""

CLIPPED = 2**15 - 1
OUTER_EYE_CORNERS = (36, 45)


@dataclass(frozen=True)
class Quality:
    """A line of the table; figures are NaN where unknown.

    Attributes:
        id: Name of the clip.
        split: Its manifest.
        frames: Video frames.
        seconds: Duration of the picture.
        speaker: Who speaks.
        emotion: How.
        words: What is said.
        judge: Who measured offset and confidence: ``energy`` or ``syncnet``.
        offset: Frames by which lips are late after the sound; negative = early.
        confidence: Correlation at that offset, or LSE-C.
        sharpness: CPBD of a few frames, 1 = sharp.
        face: Distance of the outer eye corners in pixels of the source, median over frames.
        jitter: Mean acceleration of the landmarks in crop pixels per frame squared.
        unknown: Share of frames with an unknown landmark.
        loudness: Root mean square of the sound in decibels of full scale.
        silence: Share of frames below -50 decibels, or 30 below the loud ones.
        clipping: Share of samples at the limits of 16 bits.
        problem: Why the clip cannot be read; empty if it can.
    """

    id: str
    split: str
    frames: int
    seconds: float
    speaker: str = ""
    emotion: str = ""
    words: str = ""
    judge: str = ""
    offset: float = math.nan
    confidence: float = math.nan
    sharpness: float = math.nan
    face: float = math.nan
    jitter: float = math.nan
    unknown: float = math.nan
    loudness: float = math.nan
    silence: float = math.nan
    clipping: float = math.nan
    problem: str = ""


def describe(record: ClipRecord, judge: str, **figures: float | str) -> Quality:
    """What the record says of a clip, and ``figures``."""
    known = {
        "id": record.id,
        "split": record.split,
        "frames": record.frames,
        "seconds": record.frames / FPS,
        "speaker": record.speaker,
        "emotion": record.emotion,
        "words": " ".join(span.word for span in record.words),
        "judge": judge,
    }
    return Quality(**{**known, **figures})  # type: ignore[arg-type]


def measure(reader: ClipReader, judge: SyncJudge) -> Quality:
    """Measure one clip.

    Args:
        reader: The clip.
        judge: Says how late its lips are.

    Raises:
        LayoutError: If it is damaged.
    """
    points, late = reader.landmarks(), judge(reader)
    return describe(
        reader.record,
        judge.name,
        offset=late.offset,
        confidence=late.confidence,
        sharpness=sharpness(reader),
        face=face_size(points, reader.transforms()),
        jitter=float(accelerations(points).nanmean()),
        unknown=float(points.isnan().flatten(1).any(1).float().mean()),
        **sound_figures(reader.sound()),
    )


def looks(frames: int, count: int = LOOKS) -> list[int]:
    """Middles of ``count`` equal parts of a clip."""
    return [frames * (2 * i + 1) // (2 * count) for i in range(count)]


def sharpness(reader: ClipReader) -> float:
    """Mean CPBD of a few frames, NaN where they are smaller than its blocks."""
    frames = reader.frames(looks(reader.record.frames))
    if frames.shape[-1] < BLOCK:
        return math.nan
    return float(cpbd(frames / 255).mean())


def face_size(points: Float[Tensor, "n 68 2"], transforms: Float[Tensor, "n 2 3"]) -> float:
    """Distance of the outer eye corners in source pixels, median over frames, NaN if unknown."""
    first, last = OUTER_EYE_CORNERS
    apart = torch.linalg.vector_norm(points[:, first] - points[:, last], dim=1)
    scale = torch.linalg.det(transforms[:, :, :2]).abs().sqrt()
    return float((apart / scale).nanmedian())


def sound_figures(sound: Int16[Tensor, " samples"]) -> dict[str, float]:
    """Loudness, silence and clipping."""
    if not len(sound):
        return {"loudness": QUIETEST, "silence": 1.0, "clipping": 0.0}
    clipped = (sound.int().abs() >= CLIPPED).float().mean()
    samples = sound.float() / FULL_SCALE
    levels = torch.stack([_level(part) for part in samples.split(PER_FRAME)])
    silent = max(SILENCE, float(levels.quantile(LOUD)) - PAUSE)
    return {
        "loudness": float(_level(samples)),
        "silence": float((levels < silent).float().mean()),
        "clipping": float(clipped),
    }


def _level(samples: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    return 10 * samples.square().mean().clamp_min(10 ** (QUIETEST / 10)).log10()
