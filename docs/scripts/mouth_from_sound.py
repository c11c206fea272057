"""How well sound alone tells how far a mouth is open: a regression for every MFCC preset.

The audio encoder and a linear layer are trained on the training clips of a prepared corpus and
tested on spoken frames of its test clips, each clip's mean removed.

    python docs/scripts/mouth_from_sound.py data/grid --presets davs psf wide --seeds 0 1 2
"""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from talkface.data.windows import ClipDataset
from talkface.metrics.opening import openings
from talkface.models import AudioEncoder

DIM, WIDTH, BATCH, RATE = 64, 24, 256, 1e-3


class Frames(NamedTuple):
    """Sound patches, mouth openings without their clip's mean, which clip, whether spoken."""

    mfcc: Tensor
    opening: Tensor
    clip: Tensor
    spoken: Tensor


def read(root: Path, split: str, preset: str) -> Frames:
    """All usable frames of a split whose mouth is known."""
    clips = ClipDataset(root, split, 64, preset)
    parts = []
    for i, window in enumerate(clips[i] for i in range(len(clips))):
        opening = openings(window.landmarks).mouth
        known = opening.isfinite()
        index = torch.full((int(known.sum()),), i)
        parts.append((window.mfcc[known], opening[known], index, window.spoken[known]))
    frames = Frames(*(torch.cat(part) for part in zip(*parts, strict=True)))
    return frames._replace(opening=centred(frames.opening, frames.clip))


def centred(values: Tensor, clip: Tensor) -> Tensor:
    """Values without the mean of their clip."""
    count = torch.bincount(clip).clamp(min=1)
    mean = torch.zeros(len(count)).index_add_(0, clip, values) / count
    return values - mean[clip]


def correlation(train: Frames, test: Frames, seed: int, steps: int) -> float:
    """Of the regressed and the true opening in spoken test frames."""
    torch.manual_seed(seed)
    coefficients, columns = train.mfcc.shape[1:]
    encoder = AudioEncoder(DIM, coefficients, columns, WIDTH)
    network = nn.ModuleList([encoder, nn.Linear(DIM, 1)])
    optimizer = torch.optim.AdamW(network.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps)
    scale = train.opening.std()
    for _ in range(steps):
        batch = torch.randint(len(train.mfcc), (BATCH,))
        guess = network[1](encoder(train.mfcc[batch][None]))[0, :, 0]
        optimizer.zero_grad()
        F.mse_loss(guess, train.opening[batch] / scale).backward()
        optimizer.step()
        schedule.step()
    network.eval()
    with torch.no_grad():
        guess = network[1](encoder(test.mfcc[None]))[0, :, 0]
    heard, clip = test.spoken, test.clip[test.spoken]
    pair = [centred(guess[heard], clip), centred(test.opening[heard], clip)]
    return float(torch.corrcoef(torch.stack(pair))[0, 1])


def main() -> None:
    """Print one line for every preset."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--presets", nargs="+", default=["davs", "psf", "wide"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=500)
    options = parser.parse_args()
    for preset in options.presets:
        train, test = (read(options.root, split, preset) for split in ("train", "test"))
        found = [correlation(train, test, seed, options.steps) for seed in options.seeds]
        sys.stdout.write(f"{preset} {' '.join(f'{r:.3f}' for r in found)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
