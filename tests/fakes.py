"""A small world with meaning: faces whose mouth opens with the loudness of their sound."""

import math
from pathlib import Path

import torch
from torch import Tensor

from talkface.data.layout import (
    ClipRecord,
    Corpus,
    PreparedClip,
    WordSpan,
    write_clip,
    write_corpus,
)
from talkface.types import FPS, SAMPLE_RATE

WORDS = ("ABOUT", "BELOW", "NORTH")
PER_FRAME = SAMPLE_RATE // FPS
SKIN = {"anna": (224, 172, 140), "bela": (150, 105, 80)}
PITCH = {"anna": 210.0, "bela": 120.0}


def loudness(frames: int, seed: int) -> Tensor:
    """Opening of the mouth per frame in [0, 1]: syllables of about a quarter of a second."""
    rng = torch.Generator().manual_seed(seed)
    peaks = torch.rand(frames // 3 + 2, generator=rng)
    peaks[::2] *= 0.15
    smooth = torch.nn.functional.interpolate(
        peaks[None, None], frames, mode="linear", align_corners=True
    )
    return smooth[0, 0]


def speech(opening: Tensor, pitch: float) -> Tensor:
    """Sound (int16) of a buzzing voice that is as loud as the mouth is open."""
    samples = len(opening) * PER_FRAME
    time = torch.arange(samples) / SAMPLE_RATE
    voice = sum(torch.sin(2 * math.pi * pitch * k * time) / k for k in range(1, 16))
    envelope = torch.nn.functional.interpolate(opening[None, None], samples, mode="linear")[0, 0]
    return (torch.as_tensor(voice) * envelope * 9_000).to(torch.int16)


def _arc(count: int, start: float, stop: float, centre: tuple[float, float], rx: float) -> Tensor:
    """Points of a circle, angles in half turns, clockwise from the right on the screen."""
    angle = torch.linspace(start, stop, count) * math.pi
    return torch.stack([angle.cos(), angle.sin()], 1) * rx + torch.tensor(centre)


def landmarks(opening: Tensor, side: int, seed: int = 0) -> Tensor:
    """68 points per frame, n 68 2 in pixels; the inner lips gape by ``opening``, the head nods."""
    contour = _arc(17, 1.0, 0.0, (0.5, 0.48), 0.4)
    brows = [_arc(5, 1.25, 1.75, (x, 0.33), 0.11) for x in (0.34, 0.66)]
    nose = torch.tensor([[0.5, y] for y in (0.36, 0.42, 0.48, 0.54)])
    nostrils = torch.stack([torch.linspace(0.45, 0.55, 5), torch.full((5,), 0.57)], 1)
    eye = torch.tensor([[-1, 0], [-0.4, -0.5], [0.4, -0.5], [1, 0], [0.4, 0.5], [-0.4, 0.5]])
    eyes = [eye * 0.07 + torch.tensor([x, 0.35]) for x in (0.34, 0.66)]
    still = torch.cat([contour, *brows, nose, nostrils, *eyes]).expand(len(opening), 48, 2)
    gape = 0.12 * opening[:, None]
    lips = torch.cat([_lips(12, 0.13, gape + 0.05), _lips(8, 0.10, gape)], dim=1)
    points = torch.cat([still, lips], dim=1)
    nod = 0.01 * torch.sin(torch.arange(len(opening)) / 6 + seed)
    return (points + torch.stack([nod, nod], 1)[:, None]) * side - 0.5


def _lips(count: int, half_width: float, height: Tensor) -> Tensor:
    """A ring of points from the left corner over the upper lip, iBUG order, n count 2."""
    angle = math.pi * (1 + 2 * torch.arange(count) / count)
    x = (0.5 + half_width * angle.cos()).expand(len(height), count)
    return torch.stack([x, 0.695 + height / 2 * angle.sin()], dim=2)


def paint(points: Tensor, side: int, skin: tuple[int, int, int]) -> Tensor:
    """Faces on a blue wall with these landmarks, uint8 n 3 side side."""
    frames = torch.tensor([90.0, 110.0, 150.0])[None, :, None, None].repeat(
        len(points), 1, side, side
    )
    regions = [
        (points[:, 0:17], 1.15, (60, 40, 30)),
        (points[:, 0:17], 1.0, skin),
        *((points[:, i : i + 5], 1.0, (50, 35, 30)) for i in (17, 22)),
        *((points[:, i : i + 6], 1.2, (245, 245, 245)) for i in (36, 42)),
        *(
            (
                points[:, i : i + 6] * 0.5 + points[:, i : i + 6].mean(1, True) * 0.5,
                1.0,
                (40, 60, 90),
            )
            for i in (36, 42)
        ),
        (points[:, 48:60], 1.0, (190, 80, 80)),
        (points[:, 60:68], 1.0, (50, 10, 15)),
    ]
    for region, grow, colour in regions:
        mask = _ellipse(region, side, grow)
        frames = torch.lerp(frames, torch.tensor(colour).float()[None, :, None, None], mask)
    return frames.round().to(torch.uint8)


def _ellipse(points: Tensor, side: int, grow: float) -> Tensor:
    """Soft mask of the ellipse around points, n 1 side side; a contour also gets its forehead."""
    low, high = points.amin(1), points.amax(1)
    if points.shape[1] == 17:
        low = torch.stack([low[:, 0], 2 * low[:, 1] - high[:, 1]], 1)
    centre, radius = (low + high) / 2, (high - low) / 2 * grow
    at = torch.arange(side, dtype=torch.float32)
    x = (at - centre[:, :1])[:, None, None, :] / radius[:, 0].clamp_min(0.3)[:, None, None, None]
    y = (at - centre[:, 1:])[:, None, :, None] / radius[:, 1].clamp_min(0.3)[:, None, None, None]
    edge = radius.amin(1).clamp_min(0.3)[:, None, None, None]
    return ((1 - (x.square() + y.square()).sqrt()) * edge + 0.5).clamp(0, 1)


def clip(
    name: str,
    split: str = "train",
    speaker: str = "anna",
    frames: int = 40,
    side: int = 64,
    seed: int = 0,
) -> PreparedClip:
    """One clip as ``data_prep`` makes it; says one word, from 0.4 s to 1.2 s."""
    opening = loudness(frames, seed)
    points = landmarks(opening, side, seed)
    sound = speech(opening, PITCH[speaker])
    record = ClipRecord(
        id=name,
        split=split,
        frames=frames,
        samples=len(sound),
        speaker=speaker,
        words=(WordSpan(WORDS[seed % len(WORDS)], 0.4, 1.2),),
        source=f"raw/{name}.mp4",
    )
    return PreparedClip(
        record=record,
        frames=paint(points, side, SKIN[speaker]),
        landmarks=points,
        transforms=torch.eye(3)[:2].repeat(frames, 1, 1),
        sound=sound,
    )


def corpus(root: Path, side: int = 64, frames: int = 40) -> Path:
    """Six clips of two speakers: four to train, one to validate, one to test."""
    splits = ("train", "train", "train", "train", "val", "test")
    clips = [
        clip(f"s{i % 2}/clip{i}", split, sorted(SKIN)[i % 2], frames, side, seed=i)
        for i, split in enumerate(splits)
    ]
    for one in clips:
        write_clip(root, one)
    write_corpus(root, Corpus("fake", side, WORDS), [one.record for one in clips])
    return root
