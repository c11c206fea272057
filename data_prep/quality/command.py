"""The command ``python -m data_prep quality``."""

import argparse
import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from data_prep.claim import claim
from data_prep.quality.job import measure_corpus
from data_prep.quality.limits import Limits
from data_prep.quality.measure import Quality
from data_prep.quality.page import PAGE, write_page
from data_prep.quality.selection import read_all, select
from data_prep.quality.table import TABLE
from data_prep.run import LEFT_OUT
from talkface.data.layout import read_corpus

LISTED = 20
"""Damaged clips named at the end; all are in the table."""

logger = logging.getLogger("data_prep")


def add_quality(command: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add = command.add_argument
    add("root", type=Path, metavar="ROOT", help="prepared corpus: a folder of clips, or of shards")
    add("--workers", type=int, default=2, help="processes; 0: none but this")
    add("--syncnet", type=Path, metavar="FILE", help="judge lip sync by these weights of SyncNet")
    add("--again", action="store_true", help="measure also what is in the table already")
    limits = command.add_argument_group(
        "limits", "Clips that keep to them are in the manifests, no others; without any, all are."
    )
    add = limits.add_argument
    add("--max-offset", type=float, metavar="N", help="frames that lips may be early or late")
    add("--least-confidence", type=float, metavar="C", help="of the offset")
    add("--least-sharpness", type=float, metavar="S", help="CPBD, from 0 to 1")
    add("--least-face", type=float, metavar="PX", help="between outer eye corners in the source")


def assess(options: argparse.Namespace) -> int:
    """Run the command; errors as ``measure_corpus`` and ``select``.

    Returns:
        The exit status: 0, or 1 if clips are damaged.
    """
    root: Path = options.root
    limits = Limits(**{name: getattr(options, name) for name in Limits.__annotations__})
    corpus = read_corpus(root)
    with claim(root):
        full = read_all(root)
        records = [record for split in full.values() for record in split]
        rows = measure_corpus(
            root, records, syncnet=options.syncnet, workers=options.workers, again=options.again
        )
        found = {row.id: limits.reason(row) for row in rows}
        reasons = {clip: reason for clip, reason in found.items() if reason}
        select(root, full, reasons)
        write_page(root, corpus, records, rows, limits, reasons)
    damaged = [row for row in rows if row.problem]
    _report(rows, damaged, root)
    _report_left_out(rows, reasons, root)
    return 1 if damaged else 0


def _report(rows: Sequence[Quality], damaged: Sequence[Quality], root: Path) -> None:
    for row in damaged[:LISTED]:
        logger.warning("damaged %s: %s", row.id, row.problem)
    if len(damaged) > LISTED:
        logger.warning("... and %d more", len(damaged) - LISTED)
    counts = (len(rows), len(damaged), root / TABLE, PAGE)
    logger.info("%d clips measured, %d of them damaged (figures in %s and %s)", *counts)


def _report_left_out(rows: Sequence[Quality], reasons: dict[str, str], root: Path) -> None:
    if not reasons:
        logger.info("All clips are in the manifests.")
        return
    splits = Counter(row.split for row in rows if row.id in reasons)
    shown = ", ".join(f"{count} of {split}" for split, count in splits.items())
    logger.info("%d clips left out: %s (reasons in %s)", len(reasons), shown, root / LEFT_OUT)
