"""Comparing folders of videos: match, score, average, write."""

import csv
import io
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from jaxtyping import UInt8
from torch import Tensor

from talkface.compare.errors import NothingScoredError
from talkface.compare.folders import REAL, Matching, Refusal, check_output, find_videos, match
from talkface.compare.results import Compared, compared
from talkface.compare.run import score_all
from talkface.compare.scorer import TRUTH
from talkface.compare.scores import Store
from talkface.compare.settings import Settings
from talkface.data.layout import write_aside
from talkface.figures import save_png, stack, strip
from talkface.metrics.table_text import to_markdown, write_table

REFUSED = "refused.csv"
TOLD = 5
"""Refused videos named at the end; all are in the file."""

log = logging.getLogger(__name__)


def compare(
    real: Path,
    methods: Mapping[str, Path],
    output: Path,
    settings: Settings,
    *,
    paired: bool = True,
    strips: int = 3,
    workers: int = 2,
) -> Compared:
    """Score the videos of methods against the true ones and write what is found.

    ``output`` then holds the files of ``write_table``, ``refused.csv``, ``strip.png``, and below
    ``clips`` the scores of every video, from which a second run goes on.

    Args:
        real: Folder of the true videos.
        methods: Folder of the videos of every method.
        output: Folder of the results.
        settings: How to compare.
        paired: Average over the clips that all methods have; else every method over its own.
        strips: Clips to show.
        workers: Processes; 0 works in this one.

    Raises:
        CompareError: What lies in the folders cannot be compared.
        LandmarkModelError: The landmark backend cannot be built.
    """
    check_output(output, real, methods)
    videos = {name: find_videos(folder, name) for name, folder in methods.items()}
    matching = match(find_videos(real, REAL), videos, paired=paired, pictured=strips)
    log.info("%d clips, %d methods", len(matching.clips), len(methods))
    settings, left_out = settings.usable()
    store = Store(output, settings)
    scores = score_all(matching.clips, store, workers)
    found = compared(scores, matching, settings, paired=paired)
    found.table.notes += left_out
    found.table.protocol = {"true clips": str(real), **found.table.protocol}
    _write(found, matching, store)
    return found


def _write(found: Compared, matching: Matching, store: Store) -> None:
    """Write everything and say what was found.

    Raises:
        NothingScoredError: There is nothing to average over.
    """
    refused = store.output / REFUSED
    _write_refusals(refused, found.refusals)
    if not any(found.clips[method] for method in matching.missing):
        raise NothingScoredError([_told(refusal) for refusal in found.refusals], refused)
    write_table(found.table, store.output)
    if shown := _strips(found, matching, store):
        save_png(stack(shown), store.output / "strip.png")
    log.info("\n%s", to_markdown(found.table))
    for refusal in found.refusals[:TOLD]:
        log.warning("not compared: %s", _told(refusal))
    if (more := len(found.refusals) - TOLD) > 0:
        log.warning("... and %d more, all of them in %s", more, refused)
    log.info("Written to %s.", store.output)


def _strips(
    found: Compared, matching: Matching, store: Store
) -> list[UInt8[Tensor, "height width 3"]]:
    """A strip of every clip of which frames are kept, without the rows that were refused."""
    strips = []
    for clip in matching.clips:
        rows = {}
        for row in (TRUTH, *clip.videos) if clip.pictured else ():
            tiles = store.tiles(clip.name, row) if clip.name in found.clips[row] else None
            if tiles is not None:
                rows[found.table.title(row)] = tiles
        if rows:
            strips.append(strip(rows))
    return strips


def _told(refusal: Refusal) -> str:
    return f"{refusal.clip} of {refusal.method}. {refusal.reason}"


def _write_refusals(path: Path, refusals: Sequence[Refusal]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([Refusal._fields, *refusals])
    with write_aside(path) as file:
        file.write(text.getvalue().encode())
