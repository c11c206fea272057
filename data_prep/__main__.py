"""Prepare a raw corpus: ``python -m data_prep CORPUS --source RAW --output PREPARED``."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from data_prep.build import SKIPPED, Summary, build
from data_prep.corpora import GridCorpus, LrwCorpus, RawCorpus
from data_prep.faces import SOURCES
from data_prep.puppets import PuppetSettings, SpeechEngineError
from data_prep.rendered import render_puppets
from data_prep.splits import Holdout
from data_prep.worker import Job
from talkface.faces import LandmarkModelError

LISTED = 20
"""Skipped clips named at the end; all are in the file."""

INTERRUPTED = 130

logger = logging.getLogger("data_prep")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one preparation.

    Returns:
        The exit status: 0 when something is prepared, 1 when nothing is or the run failed, 130
        when it was interrupted.
    """
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    options = parser().parse_args(arguments)
    try:
        return _report(_run(options), options.output)
    except (LandmarkModelError, SpeechEngineError, ValueError, OSError) as error:
        logger.error("%s", error)  # noqa: TRY400 - the message says it all
        return 1
    except KeyboardInterrupt:
        logger.error("Interrupted. Run the same command again to go on.")  # noqa: TRY400
        return INTERRUPTED


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m data_prep", description=__doc__)
    commands = top.add_subparsers(dest="corpus", required=True, metavar="CORPUS")
    grid = commands.add_parser("grid", help="GRID: sentences with word times")
    lrw = commands.add_parser("lrw", help="LRW, or anything in its folders")
    for command in (grid, lrw):
        command.add_argument("--source", type=Path, required=True, help="folder of the raw corpus")
        _add_common(command, landmarks="face-alignment")
    puppets = commands.add_parser("puppets", help="rendered faces that talk: made, not read")
    _add_common(puppets, landmarks="sidecar")
    _add_puppets(puppets)
    grid.add_argument("--align", type=Path, help="folder of the align files (beside the videos)")
    grid.add_argument("--val", type=_count, default=20, help="clips per speaker for validation")
    grid.add_argument("--test", type=_count, default=50, help="clips per speaker for the test")
    grid.add_argument("--seed", type=int, default=0, help="of the split")
    return top


def _add_common(command: argparse.ArgumentParser, landmarks: str) -> None:
    command.add_argument("--output", type=Path, required=True, help="folder to prepare")
    command.add_argument("--side", type=_positive, default=128, help="side of the crops in pixels")
    command.add_argument("--landmarks", choices=SOURCES, default=landmarks)
    command.add_argument("--task", type=Path, help="MediaPipe's face_landmarker.task")
    command.add_argument("--workers", type=_count, default=2, help="processes; 0: none but this")
    command.add_argument("--limit", type=_positive, help="prepare so many clips only")


def _add_puppets(command: argparse.ArgumentParser) -> None:
    settings = PuppetSettings()
    for name, people in (
        ("identities", "training"),
        ("val-identities", "validation"),
        ("test-identities", "the test"),
    ):
        default = getattr(settings, name.replace("-", "_"))
        command.add_argument(f"--{name}", type=_count, default=default, help=f"people for {people}")
    per_person = settings.clips_per_identity
    command.add_argument("--clips-per-identity", type=_positive, default=per_person)
    command.add_argument(
        "--raw-side", type=_positive, default=settings.side, help="side of the rendered pictures"
    )
    command.add_argument("--seed", type=int, default=settings.seed, help="of people and sentences")


def _run(options: argparse.Namespace) -> Summary:
    job = Job(_corpus(options), options.output, options.side, options.landmarks, options.task)
    official = options.corpus != "grid"
    holdout = Holdout() if official else Holdout(options.val, options.test, options.seed)
    return build(job, holdout, workers=options.workers, limit=options.limit)


def _corpus(options: argparse.Namespace) -> RawCorpus:
    if options.corpus == "grid":
        return GridCorpus(options.source, options.align)
    if options.corpus == "lrw":
        return LrwCorpus(options.source)
    settings = PuppetSettings(
        identities=options.identities,
        val_identities=options.val_identities,
        test_identities=options.test_identities,
        clips_per_identity=options.clips_per_identity,
        side=options.raw_side,
        seed=options.seed,
        workers=options.workers,
    )
    return render_puppets(options.output, settings)


def _report(summary: Summary, output: Path) -> int:
    """Say what was done; a failure when nothing was."""
    for clip, reason in list(summary.skipped.items())[:LISTED]:
        logger.warning("skipped %s: %s", clip, reason)
    if len(summary.skipped) > LISTED:
        logger.warning("... and %d more", len(summary.skipped) - LISTED)
    counts = (summary.prepared, summary.kept, len(summary.skipped), output / SKIPPED)
    logger.info("%d clips prepared, %d kept from before, %d skipped (reasons in %s)", *counts)
    if summary.prepared + summary.kept == 0:
        logger.error("No clip could be prepared.")
        return 1
    return 0


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is negative")
    return number


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
