"""``talkface compare``: the command line of comparing videos of any method with the true ones."""

import argparse
import logging
import re
from collections.abc import Collection, Sequence
from pathlib import Path

from talkface.compare.api import compare
from talkface.compare.errors import OptionError
from talkface.compare.scorer import COPY, TRUTH
from talkface.compare.settings import SMALLEST, Settings
from talkface.faces import BACKENDS

log = logging.getLogger(__name__)

DESCRIPTION = """\
Score the videos of any methods against the true ones, all in the same way. Clips are matched by
their names below the folders, without suffix: REAL/s1/a.mpg belongs to OURS/s1/a.mp4.

  talkface compare --real DIR --method ours=DIR --method wav2lip=DIR --output DIR

A second run goes on where the first one stopped, and makes only what changed."""

INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 and the number of SIGINT."""

NAME = re.compile(r"\w[\w .+-]*")
RESERVED = (TRUTH, COPY)
"""What methods may be called, and may not."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``talkface compare``."""
    parser.description = DESCRIPTION
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("--real", type=Path, required=True, metavar="DIR", help="folder of the true videos")
    add(
        "--method",
        action="append",
        required=True,
        metavar="NAME=DIR",
        help="a method and the folder of its videos; may be repeated",
    )
    add("--output", type=Path, required=True, metavar="DIR", help="folder of the results")
    add("--landmarks", choices=BACKENDS, help="how faces are found (default: face-alignment)")
    add("--task", type=Path, help="face_landmarker.task, the model file of --landmarks mediapipe")
    add("--device", default="cpu", help="where face-alignment computes (default: cpu)")
    add("--side", type=_side, default=256, help="side of the crops in pixels (default: 256)")
    add(
        "--aligned",
        action="store_true",
        help="all videos are aligned square crops already; read landmarks only with --landmarks",
    )
    add("--syncnet", type=Path, metavar="FILE", help="weights of SyncNet, to measure LSE")
    add("--identity", type=Path, metavar="CKPT", help="an identity encoder, to measure CSIM")
    add("--lpips", action="store_true", help="measure LPIPS, whose weights are downloaded once")
    add(
        "--allow-mismatch",
        type=_natural,
        default=1,
        metavar="FRAMES",
        help="by how many frames lengths may differ (default: 1); the longer is cut at its end",
    )
    add(
        "--offset",
        action="append",
        default=[],
        metavar="NAME=FRAMES",
        help="the first frame of this method shows so many frames after the start",
    )
    add("--unpaired", action="store_true", help="average every method over all clips it has")
    add("--strips", type=_natural, default=3, help="clips shown in strip.png (default: 3)")
    add("--workers", type=_natural, default=2, help="processes; 0 works in this one (default: 2)")


def run(options: argparse.Namespace) -> None:
    """Compare as the parsed options say.

    Raises:
        CompareError: The options, or what lies in the folders, cannot be compared.
        LandmarkModelError: The landmark backend cannot be built.
        SystemExit: With 130, as shells expect, when the user interrupts.
    """
    methods = folders(options.method)
    settings = Settings(
        side=options.side,
        landmarks=options.landmarks or (None if options.aligned else "face-alignment"),
        task=options.task,
        device=options.device,
        aligned=options.aligned,
        mismatch=options.allow_mismatch,
        offsets=offsets(options.offset, methods),
        syncnet=options.syncnet,
        identity=options.identity,
        lpips=options.lpips,
    )
    try:
        compare(
            options.real,
            methods,
            options.output,
            settings,
            paired=not options.unpaired,
            strips=options.strips,
            workers=options.workers,
        )
    except KeyboardInterrupt:
        log.warning("Interrupted: run the same command again to go on; finished clips are kept.")
        raise SystemExit(INTERRUPTED) from None


def folders(given: Sequence[str]) -> dict[str, Path]:
    """Folders by method.

    Raises:
        OptionError: A method is not NAME=DIR, its name cannot be used, or comes twice.
    """
    found: dict[str, Path] = {}
    for one in given:
        name, _, folder = one.partition("=")
        if not folder or not NAME.fullmatch(name) or name in RESERVED:
            raise OptionError(
                f"--method {one!r} is not NAME=DIR, as in --method wav2lip=videos/wav2lip. A name "
                "is made of letters, digits, spaces and . _ + -, and is none of "
                f"{', '.join(RESERVED)}."
            )
        if name in found:
            raise OptionError(
                f"--method {name} comes twice: {found[name]} and {folder}. Give each a name."
            )
        found[name] = Path(folder)
    return found


def offsets(given: Sequence[str], methods: Collection[str]) -> dict[str, int]:
    """Frames by method.

    Raises:
        OptionError: An offset is not NAME=FRAMES, or its method is not compared.
    """
    found = {}
    for one in given:
        name, _, frames = one.partition("=")
        if name not in methods or not frames.isdecimal():
            raise OptionError(
                f"--offset {one!r} is not NAME=FRAMES, as in --offset davs=2, with NAME one of "
                f"the methods: {', '.join(methods)}."
            )
        found[name] = int(frames)
    return found


def _natural(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"must be 0 or more, not {text}")
    return value


def _side(text: str) -> int:
    value = int(text)
    if value < SMALLEST:
        raise argparse.ArgumentTypeError(f"must be at least {SMALLEST} pixels, not {text}")
    return value
