"""The command ``python -m data_prep quality``."""

import argparse
import logging
from pathlib import Path

from data_prep.quality.job import measure_corpus
from data_prep.quality.table import TABLE
from data_prep.run import locked
from talkface.data.layout import SPLITS, ClipRecord, read_corpus, read_manifest

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


def assess(options: argparse.Namespace) -> int:
    """Run the command; errors as ``measure_corpus``.

    Returns:
        The exit status: 0, or 1 if clips are damaged.
    """
    root: Path = options.root
    read_corpus(root)
    with locked(root):
        records = _records(root)
        rows = measure_corpus(
            root, records, syncnet=options.syncnet, workers=options.workers, again=options.again
        )
    damaged = [row for row in rows if row.problem]
    for row in damaged[:LISTED]:
        logger.warning("damaged %s: %s", row.id, row.problem)
    if len(damaged) > LISTED:
        logger.warning("... and %d more", len(damaged) - LISTED)
    counts = (len(rows), len(damaged), root / TABLE)
    logger.info("%d clips measured, %d of them damaged (figures in %s)", *counts)
    return 1 if damaged else 0


def _records(root: Path) -> list[ClipRecord]:
    splits = [split for split in SPLITS if (root / f"{split}.jsonl").is_file()]
    return [record for split in splits for record in read_manifest(root, split)]
