"""``talkface report``: the command line of reports."""

import argparse
import logging
from pathlib import Path

from talkface.report.errors import ReportError
from talkface.report.output import write
from talkface.report.table1 import Entry, join_tables, texts

log = logging.getLogger(__name__)

DESCRIPTION = """\
Put finished runs side by side: figures with intervals, differences to a base, curves, pictures,
videos and settings on one page.

  talkface report runs/ablations --base grid --output report
  talkface report base=runs/lrw l1=runs/lrw+l1 --output report
  talkface report --table1 "LRW audio-driven=runs/lrw/test:audio" --output report"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``talkface report``."""
    parser.description = DESCRIPTION
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add(
        "runs",
        nargs="*",
        metavar="[NAME=]RUN",
        help="folder of a run, or of a folder of them; runs in seed0, seed1 … are one arm",
    )
    add("--output", type=Path, default=Path("report"), help="folder to be made (default: report)")
    add("--title", default=None, help="what stands above it")
    add("--base", metavar="NAME", help="arm the others are compared with (default: the first)")
    add(
        "--row",
        action="append",
        default=[],
        help="row of the tests to show; may be repeated (default: all, less the control)",
    )
    add(
        "--table1",
        nargs="+",
        default=[],
        metavar="TITLE=FOLDER:ROW",
        help="instead of a report: one table of several tests, with their truths and copies",
    )
    board = parser.add_argument_group("Weights & Biases")
    board.add_argument(
        "--wandb", action="store_true", help="also make a W&B report and workspace of the runs"
    )
    board.add_argument("--entity", help="user or team (default: that of the runs)")
    board.add_argument("--project", help="project of the runs (default: as in their configs)")


def run(namespace: argparse.Namespace) -> None:
    """Make what the parsed options ask for.

    Raises:
        ReportError: If the options cannot be followed.
        TableNotFoundError: If a folder for ``--table1`` holds no test.
    """
    options = vars(namespace)
    if bool(options["runs"]) == bool(options["table1"]):
        raise ReportError("Give runs to put side by side, or --table1 with its entries.")
    if options["table1"]:
        _table1(options["table1"], options["output"])
        return
    from talkface.report.api import TITLE, report  # noqa: PLC0415 - brings matplotlib along

    if options["wandb"]:
        from talkface.report.publish import check_ready  # noqa: PLC0415 - brings W&B along

        check_ready()
    comparison = report(
        options["runs"],
        options["output"],
        title=options["title"] or TITLE,
        base=options["base"],
        rows=options["row"],
    )
    for note in comparison.notes:
        log.warning("%s", note)
    if options["wandb"]:
        from talkface.report.publish import publish  # noqa: PLC0415 - brings W&B along

        for url in publish(comparison, options["entity"], options["project"]):
            log.info("On W&B: %s", url)


def _table1(entries: list[str], output: Path) -> None:
    table = join_tables([Entry.parse(entry) for entry in entries])
    write(output, texts(table))
