"""How fast clips are prepared: ``python -m data_prep.face_speed --source GRID --task FILE``.

The measure is a plain loop over the same clips: decode with PyAV, look for faces in every frame
from scratch (the network is loaded once per clip), crop every frame by itself, write a JPEG file
per frame; in one process.
"""

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from data_prep.build import ClipJob, build
from data_prep.corpora import GridCorpus, RawClip
from data_prep.run import limited
from data_prep.splits import Holdout
from talkface.data.layout import ClipReader, encode_jpeg, read_manifest
from talkface.data.media import read_video
from talkface.faces import BACKENDS, LandmarkDetector, build_detector, move_points
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
    add("--workers", type=int, nargs="+", default=[0, 2], help="of each preparation that is timed")
    options = parser.parse_args(arguments)
    corpus = GridCorpus(options.source)
    clips = limited(corpus.clips(), options.limit)
    detector = build_detector(options.landmarks, options.task)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        points = {clip.id: plain(clip, detector, Path(folder), options.side) for clip in clips}
        loop = sum(map(len, points.values())) / (time.perf_counter() - began)
        logger.info("plain loop: %.1f frames/s", loop)
        for workers in options.workers:
            output = Path(folder) / f"prepared{workers}"
            job = ClipJob(corpus, output, options.side, options.landmarks, options.task)
            began = time.perf_counter()
            build(job, Holdout(0, 0), workers=workers, limit=options.limit)
            speed = sum(map(len, points.values())) / (time.perf_counter() - began)
            figures = (workers, speed, speed / loop, difference(output, points))
            logger.info(
                "%d workers: %.1f frames/s, %.2f times the loop; landmarks differ by %.3f pixels",
                *figures,
            )
    return 0


def plain(
    clip: RawClip, detector: LandmarkDetector, folder: Path, side: int
) -> Float[Tensor, "n 68 2"]:
    """Prepare a clip frame by frame; returns the points, NaN where no face is found."""
    frames = read_video(clip.video)
    points = []
    for t, faces in enumerate(detector.detect(frames, tracked=False)):
        points.append(faces[0].landmarks if faces else torch.full((68, 2), torch.nan))
        if faces:
            crop = align_landmarks(frames[t : t + 1], points[t][None], side).frames[0]
            name = f"{clip.id.replace('/', '_')}_{t}.jpg"
            (folder / name).write_bytes(encode_jpeg(crop.permute(1, 2, 0).numpy()))
    return torch.stack(points)


def difference(root: Path, points: dict[str, Float[Tensor, "n 68 2"]]) -> float:
    """Mean distance of the stored landmarks to ``points``, in pixels of the source."""
    distances = []
    for record in read_manifest(root, "train"):
        reader, plainly = ClipReader(root, record), points[record.id]
        transforms = reader.transforms()
        scale = transforms[:, :, :2].det().sqrt()[:, None]
        apart = (reader.landmarks() - move_points(plainly, transforms)).norm(dim=2) / scale
        distances.append(apart.nanmean())
    return float(torch.stack(distances).mean())


if __name__ == "__main__":
    sys.exit(main())
