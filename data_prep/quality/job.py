"""Measuring all clips of a corpus in parallel; what is in the table already is kept."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from tqdm import tqdm

from data_prep.corpora.raw import CorpusError
from data_prep.processes import settle
from data_prep.quality.judges import sync_judge
from data_prep.quality.measure import Quality, describe, measure
from data_prep.quality.table import read_table, write_table
from talkface.data.layout import ClipReader, ClipRecord, LayoutError

CHUNK = 8
"""Clips handed to a process at a time."""


def measure_corpus(
    root: Path,
    records: Sequence[ClipRecord],
    *,
    syncnet: Path | None = None,
    workers: int = 2,
    again: bool = False,
) -> list[Quality]:
    """Measure those of ``records`` that are not in the table yet, and write the table.

    Args:
        root: Folder of the prepared corpus, or of its shards.
        records: All of its clips.
        syncnet: Weights of SyncNet, to judge by it.
        workers: Processes; 0 works in this one.
        again: Measure all of them again.

    Returns:
        A row per record, in that order.

    Raises:
        SyncNetError: The weights cannot be used.
        CorpusError: A worker ended abruptly.
        LayoutError: The table is damaged.
    """
    judge = sync_judge(syncnet).name  # fails once and here
    found = {} if again else _usable(read_table(root), records, judge)
    todo = [record for record in records if record.id not in found]
    try:
        with tqdm(total=len(records), initial=len(found), unit="clip") as bar:
            for row in _rows(partial(measured, root, syncnet), todo, workers):
                found[row.id] = row
                bar.update()
    finally:  # an interrupted run goes on from here
        rows = [found[record.id] for record in records if record.id in found]
        write_table(root, rows)
    return rows


def measured(root: Path, syncnet: Path | None, record: ClipRecord) -> Quality:
    """Measure one clip; damage becomes the ``problem`` of its row."""
    judge = sync_judge(syncnet)
    try:
        return measure(ClipReader(root, record), judge)
    except (LayoutError, IndexError) as error:
        return describe(record, judge.name, problem=str(error))


def _usable(
    rows: dict[str, Quality], records: Sequence[ClipRecord], judge: str
) -> dict[str, Quality]:
    """Rows that still fit: the same record, the same judge, and no problem that may be mended."""
    kept = {}
    for record in records:
        row = rows.get(record.id)
        if row and row.judge == judge and not row.problem:
            kept[record.id] = describe(record, judge, **_figures(row))
            if row.frames != record.frames:
                del kept[record.id]
    return kept


def _figures(row: Quality) -> dict[str, float]:
    names = ("offset", "confidence", "sharpness", "face", "jitter", "unknown")
    return {name: getattr(row, name) for name in (*names, "loudness", "silence", "clipping")}


def _rows(
    work: Callable[[ClipRecord], Quality], todo: Sequence[ClipRecord], workers: int
) -> Iterator[Quality]:
    if workers == 0 or not todo:
        yield from map(work, todo)
        return
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=settle)
    try:
        yield from pool.map(work, todo, chunksize=CHUNK)
    except BrokenProcessPool as error:
        raise CorpusError(
            "A worker process ended abruptly (out of memory?). What is measured is kept: run the "
            "same command again, with fewer `--workers` if it happens again."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
