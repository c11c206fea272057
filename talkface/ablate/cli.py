"""``talkface ablate``: the command line of a series of ablations."""

import argparse
import logging
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from talkface.ablate.errors import AblationError, JobsFailedError
from talkface.ablate.job import Job, read_job
from talkface.ablate.overlays import questions
from talkface.ablate.run import run_jobs
from talkface.ablate.schedule import submit, write_commands

log = logging.getLogger(__name__)

DESCRIPTION = """\
Train and test a base experiment, and the same with every overlay, over seeds. What is done stays;
the same command goes on where an earlier one stopped. What follows `--` is given to every training
and test:

  talkface ablate --config grid.yaml --overlay l1 no_words --seeds 0 1 2 --output runs/ablations \\
      -- --trainer.max_epochs 12"""

FAILED = 1
INTERRUPTED = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``talkface ablate``."""
    parser.description = DESCRIPTION
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    asked = (f"  {name:<20}{question}" for name, question in questions().items())
    parser.epilog = "shipped overlays:\n" + "\n".join(asked)
    add = parser.add_argument
    add("--config", action="append", default=[], metavar="CONFIG", help="the base; may be repeated")
    add(
        "--overlay",
        action="extend",
        nargs="+",
        default=[],
        metavar="OVERLAY",
        help="a shipped overlay or a file, each an arm of its own; `l1+no_ema` joins two",
    )
    add("--seeds", nargs="+", type=_natural, default=[0, 1, 2], help="default: 0 1 2")
    add("--output", type=Path, help="the runs are kept in OUTPUT/NAME/seedK")
    add("--test-args", default="", metavar="'SETTING …'", help="settings of the tests only")
    at_a_time = parser.add_mutually_exclusive_group()
    at_a_time.add_argument("--jobs", type=_positive, default=1, help="jobs at a time (default: 1)")
    at_a_time.add_argument(
        "--gpus",
        nargs="+",
        metavar="GPUS",
        help="GPUs of each of the jobs at a time: `0 1` is two jobs of one, `0,1 2,3` of two",
    )
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--dry-run", action="store_true", help="only say what would be run")
    instead.add_argument(
        "--commands", type=Path, metavar="FILE", help="write a shell command per job; - for stdout"
    )
    instead.add_argument(
        "--submit",
        metavar="TEMPLATE",
        help="hand every job to a scheduler, as in 'sbatch --gres=gpu:4 --wrap {command}'",
    )
    instead.add_argument("--job", type=Path, metavar="FOLDER", help="run one planned job; no more")
    add("settings", nargs="*", metavar="-- SETTING", help="settings of every training and test")


def run(namespace: argparse.Namespace) -> None:
    """Do as the parsed options say.

    Raises:
        ConfigNotFoundError: If a base config does not exist.
        AblationError: If the options cannot be followed, or a folder holds other runs.
        SystemExit: With 1 if jobs failed, with 130, as shells expect, when the user interrupts.
    """
    options = vars(namespace)
    if options["job"] is not None:
        _run([read_job(options["job"])], [None])
        return
    jobs = _planned(options)
    for job in jobs:
        job.check()
    if options["dry_run"]:
        _tell(jobs)
        return
    for job in jobs:
        job.record()
    if options["commands"] is not None:
        write_commands(jobs, options["commands"])
    elif options["submit"] is not None:
        submit(jobs, options["submit"])
    else:
        _run(jobs, options["gpus"] or [None] * options["jobs"])
    folders = shlex.join(str(job.folder) for job in jobs)
    log.info("When all are done, compare them:\ntalkface report %s", folders)


def _planned(options: Mapping[str, Any]) -> list[Job]:
    from talkface.ablate.plan import plan  # noqa: PLC0415 - brings Lightning along

    if not options["config"] or options["output"] is None:
        raise AblationError("Give --config, the base, and --output, a folder; or a --job.")
    return plan(
        options["config"],
        options["overlay"],
        options["seeds"],
        options["output"],
        options["settings"],
        shlex.split(options["test_args"]),
    )


def _run(jobs: Sequence[Job], slots: Sequence[str | None]) -> None:
    try:
        run_jobs(jobs, slots)
    except JobsFailedError as error:
        log.error("%s", error)  # noqa: TRY400 - the message says it all
        raise SystemExit(FAILED) from None
    except KeyboardInterrupt:
        log.warning("Interrupted. Run the same command again to go on.")
        raise SystemExit(INTERRUPTED) from None


def _tell(jobs: Sequence[Job]) -> None:
    for job in jobs:
        log.info("%s: %s", job.name, job.state)
        for args in (job.fit, job.test):
            log.info("  talkface %s", shlex.join(args))


def _natural(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} is below 0")
    return value


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is below 1")
    return value
