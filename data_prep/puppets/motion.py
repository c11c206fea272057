"""What moves apart from the mouth: head, gaze, lids and brows, by seed, hardly by speech."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_prep.puppets.espeak import Phoneme

Track = NDArray[np.float64]
_PRIMARY = 2


@dataclass(frozen=True)
class Motion:
    """Controls at n moments, each (n,) float64.

    Attributes:
        yaw: Head turned to the right of the picture, radians.
        pitch: Head lowered, radians.
        roll: Head tilted clockwise, radians.
        shift_x: Head moved, in pupil distances.
        shift_y: The same, downwards.
        blink: Lids, 0 open to 1 closed.
        brow: Brows, from -1 (lowered) to 1 (raised).
        gaze_x: Eyes to the right of the picture, -1 to 1.
        gaze_y: Eyes downwards, -1 to 1.
    """

    yaw: Track
    pitch: Track
    roll: Track
    shift_x: Track
    shift_y: Track
    blink: Track
    brow: Track
    gaze_x: Track
    gaze_y: Track


def draw_motion(
    rng: np.random.Generator, times: Track, phonemes: tuple[Phoneme, ...] = ()
) -> Motion:
    """Motion at ``times`` (n,) in seconds; stressed syllables give a slight nod and brow raise."""
    pose = rng.normal(0, (0.10, 0.05, 0.035))
    accent = _accents(times, phonemes) * rng.uniform(0.0, 1.0)
    yaw = pose[0] + _wander(rng, times, 0.07)
    pitch = pose[1] + _wander(rng, times, 0.04) + 0.025 * accent
    gaze_x, gaze_y = _gaze(rng, times)
    return Motion(
        yaw=np.clip(yaw, -0.28, 0.28),
        pitch=np.clip(pitch, -0.16, 0.16),
        roll=np.clip(pose[2] + _wander(rng, times, 0.03), -0.12, 0.12),
        shift_x=_wander(rng, times, 0.05),
        shift_y=_wander(rng, times, 0.03) + 0.02 * accent,
        blink=_blinks(rng, times),
        brow=np.clip(_raises(rng, times) + 0.25 * accent, -1, 1),
        gaze_x=np.clip(gaze_x - 1.5 * yaw, -1, 1),
        gaze_y=np.clip(gaze_y - 1.5 * pitch, -1, 1),
    )


def _wander(rng: np.random.Generator, times: Track, size: float) -> Track:
    """Smooth movement: slow waves of random phase, about ``size`` in amplitude."""
    rates = rng.uniform(0.15, 0.9, 4)[:, None]
    phases = rng.uniform(0, 2 * np.pi, 4)[:, None]
    sizes = rng.normal(0, size, 4)[:, None] / (1 + 2 * rates)
    waves: Track = (sizes * np.sin(2 * np.pi * rates * times + phases)).sum(axis=0)
    return waves


def _accents(times: Track, phonemes: tuple[Phoneme, ...]) -> Track:
    """Bumps of a quarter of a second at syllables with primary stress."""
    bumps = np.zeros_like(times)
    for phoneme in phonemes:
        if phoneme.stress == _PRIMARY:
            middle = (phoneme.start + phoneme.end) / 2
            bumps = np.maximum(bumps, np.exp(-0.5 * ((times - middle) / 0.09) ** 2))
    return bumps


def _blinks(rng: np.random.Generator, times: Track) -> Track:
    """Blinks every 2.4 s on average: 80 ms down, 40 ms closed, 130 ms up; lids otherwise drift."""
    lids = np.full_like(times, abs(rng.normal(0, 0.06)))
    moment = times.min() - 1 + rng.exponential(2.0)
    while moment < times.max() + 1:
        since = times - moment
        down = np.clip(since / 0.08, 0, 1)
        up = np.clip((since - 0.12) / 0.13, 0, 1)
        lids = np.maximum(lids, _ease(down) * (1 - _ease(up)))
        moment += 0.5 + rng.exponential(1.9)
    return lids


def _raises(rng: np.random.Generator, times: Track) -> Track:
    """Brows: a constant mood, slow drift, and now and then a raise or a frown of half a second."""
    brows = rng.normal(0, 0.12) + _wander(rng, times, 0.12)
    if rng.random() < 0.45:  # odds of a movement within the clip
        moment = rng.uniform(times.min(), times.max())
        size = rng.uniform(0.4, 0.9) * (1 if rng.random() < 0.75 else -0.7)  # odds
        brows = brows + size * np.exp(-0.5 * ((times - moment) / rng.uniform(0.12, 0.25)) ** 2)
    moved: Track = brows
    return moved


def _gaze(rng: np.random.Generator, times: Track) -> tuple[Track, Track]:
    """Fixations of 0.3 to 1.5 s near the camera, joined by saccades of 40 ms."""
    x, y = rng.normal(0, 0.2, 2)
    gaze_x, gaze_y = np.full_like(times, x), np.full_like(times, y)
    moment = times.min() + rng.uniform(0.1, 1.5)
    while moment < times.max():
        passed = _ease(np.clip((times - moment) / 0.04, 0, 1))
        next_x, next_y = rng.normal(0, (0.3, 0.18))
        gaze_x, gaze_y = gaze_x + (next_x - x) * passed, gaze_y + (next_y - y) * passed
        x, y = next_x, next_y
        moment += rng.uniform(0.3, 1.5)
    return gaze_x, gaze_y


def _ease(t: Track) -> Track:
    eased: Track = t * t * (3 - 2 * t)
    return eased
