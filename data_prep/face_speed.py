"""How fast clips are prepared: ``python -m data_prep.face_speed --source GRID --task FILE``.

The measure is a plain loop over the same clips, in one process: decode with PyAV, look for faces
in every frame, crop every frame by its own points, write a JPEG file per frame. The network is
loaded once, before the clock starts. Also told is how much the landmarks differ.
"""

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import torch
from jaxtyping import Float
from torch import Tensor

from data_prep.build import ClipJob, build
from data_prep.corpora import GridCorpus, RawClip
from data_prep.engines import LocalEngine
from data_prep.face_difference import compare, moved_by_a_pixel, stored_points
from data_prep.job import AnyUnit, Outcome
from data_prep.run import limited
from data_prep.splits import Holdout
from data_prep.worker import Start
from talkface.data.layout import encode_jpeg
from talkface.data.media import read_video
from talkface.faces import BACKENDS, LandmarkDetector, build_detector
from talkface.faces.align import align_landmarks

logger = logging.getLogger("data_prep.face_speed")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure both, and say what was found."""
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    parser = argparse.ArgumentParser(prog="python -m data_prep.face_speed", description=__doc__)
    add = parser.add_argument
    add("--source", type=Path, required=True, help="folder of GRID")
    add("--landmarks", choices=BACKENDS, default="mediapipe")
    add("--task", type=Path, help="MediaPipe's face_landmarker.task")
    add("--limit", type=int, default=8, help="clips")
    add("--side", type=int, default=128)
    add("--search-every", type=int, help="as of `python -m data_prep grid`")
    add("--workers", type=int, nargs="+", default=[0, 2], help="of each preparation that is timed")
    add("--noise", action="store_true", help="also tell what a shift by one pixel does")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    corpus = GridCorpus(options.source)
    clips = limited(corpus.clips(), options.limit)
    detector = build_detector(options.landmarks, options.task)
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        points = {clip.id: plain(clip, detector, Path(folder), options.side) for clip in clips}
        frames = sum(map(len, points.values()))
        loop = clock.report("plain loop", frames, len(clips))
        for workers in options.workers:
            output, engine = Path(folder) / f"prepared{workers}", TimedEngine(workers)
            shared = (output, options.side, options.landmarks, options.task)
            job = ClipJob(corpus, *shared, search_every=options.search_every)
            clock = Clock()
            build(job, Holdout(0, 0), limit=options.limit, engine=engine)
            speed = clock.report(f"{workers} workers", frames, 0 if workers else len(clips))
            rates = (speed / loop, engine.speed, engine.speed / loop)
            logger.info("  %.2f times the loop; at work %.1f frames/s, %.2f times", *rates)
            logger.info("  %s", compare(stored_points(output), points))
    if options.noise:
        logger.info("moved by a pixel: %s", compare(moved_by_a_pixel(clips, detector), points))
    return 0


def plain(
    clip: RawClip, detector: LandmarkDetector, folder: Path, side: int
) -> Float[Tensor, "n 68 2"]:
    """Prepare a clip frame by frame; returns the points, NaN where no face is found."""
    points = []
    for t, frame in enumerate(read_video(clip.video).split(1)):
        faces = detector.detect(frame)[0]
        points.append(faces[0].landmarks if faces else torch.full((68, 2), torch.nan))
        if faces:
            crop = align_landmarks(frame, points[t][None], side).frames[0]
            name = f"{clip.id.replace('/', '_')}_{t}.jpg"
            (folder / name).write_bytes(encode_jpeg(crop.permute(1, 2, 0).numpy()))
    return torch.stack(points)


class Clock:
    """Time, and work of this process, from its making on."""

    def __init__(self) -> None:
        self._began, self._worked = time.perf_counter(), time.process_time()

    def report(self, what: str, frames: int, clips: int) -> float:
        """Say how fast ``what`` was, and what ``clips`` cost if any; returns frames per second."""
        speed = frames / (time.perf_counter() - self._began)
        work = (time.process_time() - self._worked) / clips if clips else 0.0
        spent = f", {work:.3f} s of a processor per clip" if clips else ""
        logger.info("%s: %.1f frames/s%s", what, speed, spent)
        return speed


@dataclass(frozen=True)
class TimedEngine(LocalEngine):
    """Notes when clips are ready, so that the start of processes can be left out of account."""

    ready: list[tuple[float, int]] = field(default_factory=list)

    def outcomes(self, start: Start[AnyUnit], units: Sequence[AnyUnit]) -> Iterator[Outcome]:
        """Outcomes of all units as they come."""
        for outcome in super().outcomes(start, units):
            self.ready.append((time.perf_counter(), outcome.pictures))
            yield outcome

    @property
    def speed(self) -> float:
        """Frames per second from when every process had made a clip; NaN of too few clips."""
        first = max(self.workers, 1)
        if len(self.ready) <= first:
            return float("nan")
        frames = sum(pictures for _, pictures in self.ready[first:])
        return frames / (self.ready[-1][0] - self.ready[first - 1][0])


if __name__ == "__main__":
    sys.exit(main())
