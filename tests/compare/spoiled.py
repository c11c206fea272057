"""Spoils videos in known ways, to see that ``talkface compare`` tells them apart.

::

    python tests/compare/spoiled.py CLIPS OUTPUT

writes a folder per fault below OUTPUT, each with all videos of CLIPS. ``stored`` shows what storing
takes away by itself: colours are halved, as in H.264 of players.
"""

import argparse
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from jaxtyping import UInt8
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from talkface.data.media import VideoWriter, read_audio, read_video
from talkface.types import FPS

SUFFIXES = (".mp4", ".mpg")
BEST = 1
Frames = UInt8[Tensor, "t 3 h w"]


def late(frames: Frames, by: int) -> Frames:
    """The first frame waits; as much is cut at the end."""
    return torch.cat([frames[:1].expand(by, -1, -1, -1), frames[: len(frames) - by]])


def blurred(frames: Frames, sigma: float) -> Frames:
    """As through a lens that is out of focus; sigma in pixels."""
    return torch.stack(
        [gaussian_blur(frame, [2 * round(3 * sigma) + 1] * 2, [sigma] * 2) for frame in frames]
    )


def frozen(frames: Frames) -> Frames:
    """The first frame, for as long."""
    return frames[:1].expand(len(frames), -1, -1, -1)


FAULTS: dict[str, tuple[Callable[[Frames], Frames], int]] = {
    "stored": (lambda frames: frames, BEST),
    "encoded": (lambda frames: frames, 38),
    "late 1": (partial(late, by=1), BEST),
    "late 3": (partial(late, by=3), BEST),
    "blurred": (partial(blurred, sigma=2.0), BEST),
    "frozen": (frozen, BEST),
}
"""What is done to the frames, and the quality (crf) of H.264 that they are then stored with."""


def spoil(clips: Path, output: Path) -> None:
    """Write ``same``, bytes as they are, and a folder for each of ``FAULTS``."""
    for clip in sorted(path for path in clips.iterdir() if path.suffix in SUFFIXES):
        frames, sound = read_video(clip), read_audio(clip)
        (output / "same").mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, output / "same" / clip.name)
        for name, (fault, crf) in FAULTS.items():
            path = output / name / f"{clip.stem}.mp4"
            shown, size = fault(frames), (frames.shape[2], frames.shape[3])
            with VideoWriter(path, FPS, size, sound, crf=crf) as writer:
                writer.write(shown)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path)
    parser.add_argument("output", type=Path)
    given = parser.parse_args()
    spoil(given.clips, given.output)
