"""``talkface generate``: the command line of ``talkface.render.generate``."""

import argparse
import logging
from pathlib import Path

import torch

from talkface.faces import BACKENDS
from talkface.render.api import generate
from talkface.render.errors import RenderError

logger = logging.getLogger(__name__)

DESCRIPTION = """\
Make a portrait talk. --audio alone: lips follow the sound. --driving alone: lips, eyes and
contour follow the video, whose sound is kept. Both: lips follow the sound, eyes and contour the
video. The result is an H.264 + AAC video as long as the sound."""

INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 and the number of SIGINT."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``talkface generate``."""
    parser.description = DESCRIPTION
    add = parser.add_argument
    add("--checkpoint", type=Path, required=True, help="model that `talkface fit` wrote (.ckpt)")
    add("--identity", type=Path, required=True, help="photo or video of the face to be shown")
    add("--audio", type=Path, help="any audio or video file with speech")
    add("--driving", type=Path, help="video of a face whose motion is taken over")
    add("--output", type=Path, required=True, help="video to be written, e.g. talk.mp4")
    add("--landmarks", choices=BACKENDS, default="face-alignment", help="how faces are found")
    add("--task", type=Path, help="face_landmarker.task, the model file of --landmarks mediapipe")
    add("--aligned", action="store_true", help="--identity is an aligned square crop already")
    add(
        "--driving-aligned",
        action="store_true",
        help="the frames of --driving are aligned square crops already",
    )
    add("--paste", action="store_true", help="put the face back into the photo")
    add("--device", default="cpu", help="where to compute: cpu, cuda, cuda:1 … (default: cpu)")
    add("--batch", type=int, default=16, help="frames rendered at once (default: 16)")
    add("--quiet", action="store_true", help="no progress bars")


def run(namespace: argparse.Namespace) -> None:
    """Generate as the parsed options say.

    Raises:
        RenderError: An input cannot be used, or there is too little GPU memory.
        MediaError: A file cannot be read or written.
        LandmarkModelError: The landmark backend cannot be built.
        SystemExit: With 130, as shells expect, when the user interrupts.
    """
    options = vars(namespace)
    try:
        report = generate(
            options["checkpoint"],
            options["identity"],
            options["audio"],
            options["driving"],
            options["output"],
            landmarks=options["landmarks"],
            task=options["task"],
            aligned=options["aligned"],
            driving_aligned=options["driving_aligned"],
            batch=options["batch"],
            paste=options["paste"],
            progress=not options["quiet"],
            device=options["device"],
        )
    except torch.OutOfMemoryError as error:
        raise RenderError("Out of GPU memory. Use a smaller --batch.") from error
    except KeyboardInterrupt:
        logger.warning("Interrupted: %s was not written.", options["output"])
        raise SystemExit(INTERRUPTED) from None
    logger.info(
        "%s: %d frames (%.2f s) of %dx%d, %s-driven, %.1f frames/s",
        *(report.output, report.frames, report.duration, report.width, report.height),
        *(report.drive, report.rate),
    )
