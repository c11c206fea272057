"""Compare ways to store frames: ``python -m data_prep.encodings --source GRID/s1 --task MODEL``."""

import argparse
import io
import logging
import math
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor
from torchvision.io import ImageReadMode, decode_jpeg, decode_webp

from data_prep.corpora import GridCorpus
from data_prep.faces import landmark_source
from data_prep.run import limited
from talkface.data.media import read_video
from talkface.faces.align import align_landmarks
from talkface.types import FPS

WINDOW = 20
"""Frames of a window; one more is its identity."""

logger = logging.getLogger("data_prep")


class Encoding(ABC):
    """A way to store the frames of a clip."""

    name: str

    @abstractmethod
    def encode(self, frames: UInt8[np.ndarray, "n side side 3"]) -> list[bytes]:
        """The clip in one piece, or in one piece per frame."""

    @abstractmethod
    def decode(self, stored: list[bytes], indices: Sequence[int]) -> UInt8[Tensor, "n 3 side side"]:
        """Frames at ``indices``, which ascend in runs, without the rest where that is possible."""


class Stills(Encoding):
    """Frames on their own, as JPEG or WebP.

    Args:
        kind: ``JPEG`` or ``WEBP``.
        quality: From 1 to 100.
        full: Keep all colour samples (4:4:4); WebP cannot.
    """

    def __init__(self, kind: str, quality: int, full: bool = False) -> None:
        self.kind, self.quality, self.full = kind, quality, full
        self.name = f"{kind} {quality}, {'4:4:4' if full else '4:2:0'}"

    def encode(self, frames: UInt8[np.ndarray, "n side side 3"]) -> list[bytes]:
        """One picture per frame."""
        chroma = {"subsampling": 0 if self.full else 2} if self.kind == "JPEG" else {}
        pieces = []
        for frame in frames:
            buffer = io.BytesIO()
            Image.fromarray(frame).save(buffer, self.kind, quality=self.quality, **chroma)
            pieces.append(buffer.getvalue())
        return pieces

    def decode(self, stored: list[bytes], indices: Sequence[int]) -> UInt8[Tensor, "n 3 side side"]:
        """Decode these pictures only."""
        raw = [torch.frombuffer(bytearray(stored[i]), dtype=torch.uint8) for i in indices]
        if self.kind == "JPEG":
            images: list[Tensor] = decode_jpeg(raw, ImageReadMode.RGB)
            return torch.stack(images)
        return torch.stack([decode_webp(data, ImageReadMode.RGB) for data in raw])


class Video(Encoding):
    """H.264 with a key frame every ``gop`` frames, from which decoding has to start.

    Args:
        crf: Quality: less is better.
        full: Keep all colour samples (4:4:4).
        gop: Frames from one key frame to the next.
    """

    def __init__(self, crf: int, full: bool, gop: int = 10) -> None:
        self.crf, self.full, self.gop = crf, full, gop
        self.name = f"H.264 crf {crf}, {'4:4:4' if full else '4:2:0'}, key every {gop}"

    def encode(self, frames: UInt8[np.ndarray, "n side side 3"]) -> list[bytes]:
        """One MP4."""
        buffer = io.BytesIO()
        with av.open(buffer, "w", format="mp4") as container:
            stream = container.add_stream("libx264", rate=FPS)
            stream.height, stream.width = frames.shape[1:3]
            stream.pix_fmt = "yuv444p" if self.full else "yuv420p"
            stream.options = {"crf": str(self.crf), "g": str(self.gop), "bf": "0", "threads": "1"}
            for frame in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
            container.mux(stream.encode())
        return [buffer.getvalue()]

    def decode(self, stored: list[bytes], indices: Sequence[int]) -> UInt8[Tensor, "n 3 side side"]:
        """Seek the key frame before each run, decode to its end."""
        runs = np.split(np.array(indices), np.flatnonzero(np.diff(indices) != 1) + 1)
        images: list[np.ndarray] = []
        with av.open(io.BytesIO(stored[0]), "r") as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            tick = stream.time_base or Fraction(1, FPS)
            for run in runs:
                container.seek(int(Fraction(int(run[0]), FPS) / tick), stream=stream)
                for frame in container.decode(stream):
                    place = round(float((frame.pts or 0) * tick) * FPS)
                    if place >= run[0]:
                        images.append(frame.to_ndarray(format="rgb24"))
                    if place >= run[-1]:
                        break
        return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)


HEADER = """| px | encoding | bytes per frame | PSNR [dB] | windows/s |
| --: | :-- | --: | --: | --: |"""

ENCODINGS: tuple[Encoding, ...] = (
    *(Stills("JPEG", quality, full) for quality in (80, 90, 95, 98) for full in (False, True)),
    *(Stills("WEBP", quality) for quality in (80, 90, 95)),
    *(Video(crf, full) for crf in (18, 12) for full in (False, True)),
)


@dataclass(frozen=True)
class Cost:
    """What an encoding costs and keeps.

    Attributes:
        size: Bytes per frame.
        psnr: Of the frames that come back, in dB, over all pixels of all clips.
        rate: Windows per second of CPU time, on one core.
    """

    size: float
    psnr: float
    rate: float


def cost(
    encoding: Encoding, clips: Sequence[UInt8[np.ndarray, "n side side 3"]], windows: int = 10
) -> Cost:
    """Measure one encoding.

    Args:
        encoding: A way to store frames.
        clips: Frames as they are before they are stored.
        windows: Windows read from each clip.
    """
    rng = np.random.default_rng(0)
    size, errors, seconds = 0, [], 0.0
    for frames in clips:
        stored = encoding.encode(frames)
        size += sum(map(len, stored))
        back = encoding.decode(stored, range(len(frames))).permute(0, 2, 3, 1).numpy()
        errors.append(np.mean((back.astype(np.float64) - frames) ** 2))
        for _ in range(windows):
            first = int(rng.integers(len(frames) - WINDOW + 1))
            identity = int(rng.integers(len(frames)))
            start = time.process_time()
            encoding.decode(stored, [identity, *range(first, first + WINDOW)])
            seconds += time.process_time() - start
    count = sum(map(len, clips))
    psnr = 10 * math.log10(255**2 / np.mean(errors))
    return Cost(size / count, psnr, windows * len(clips) / seconds)


def table(source: Path, task: Path, sides: Sequence[int], clips: int) -> str:
    """A table in Markdown over all encodings and sides.

    Args:
        source: Folder of a speaker of GRID.
        task: Model file of MediaPipe.
        sides: Sides of the crops in pixels.
        clips: Clips to measure, spread over the folder.
    """
    landmarks = landmark_source("mediapipe", task)
    rows = [
        "| px | encoding | bytes per frame | PSNR [dB] | windows/s |",
        "| --: | :-- | --: | --: | --: |",
    ]
    chosen = limited(GridCorpus(source).clips(), clips)
    raw = [(frames := read_video(c.video), landmarks.points(frames, c.sidecar)) for c in chosen]
    for side in sides:
        crops = [align_landmarks(f, p, side).frames.permute(0, 2, 3, 1).numpy() for f, p in raw]
        for encoding in ENCODINGS:
            found = cost(encoding, crops)
            rows.append(
                f"| {side} | {encoding.name} | {found.size:,.0f} | {found.psnr:.1f} | "
                f"{found.rate:.0f} |"
            )
            logger.info("%s", rows[-1])
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and log the rows of the table as they come."""
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    parser = argparse.ArgumentParser("python -m data_prep.encodings", description=__doc__)
    add = parser.add_argument
    add("--source", type=Path, required=True, help="folder of a speaker of GRID")
    add("--task", type=Path, required=True, help="MediaPipe's face_landmarker.task")
    add("--sides", type=int, nargs="+", default=(64, 128, 256))
    add("--clips", type=int, default=6)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    table(options.source, options.task, options.sides, options.clips)
    return 0


if __name__ == "__main__":
    sys.exit(main())
