"""What a test found, on Weights & Biases."""

import logging
import math

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.loggers import WandbLogger

from talkface.callbacks.table import TestTable, table_of
from talkface.data.renderings import FOLDER, kept_clips
from talkface.metrics.table import ResultTable

log = logging.getLogger(__name__)

Line = list[str | float | None]


class Board(Callback):
    """Logs the results of a test to W&B, once they are written; it comes after `TestTable`.

    ``test/table`` holds the figures of every row, ``test/clips`` those of every clip,
    ``test/strips`` the strips and ``test/videos`` the renderings that were kept: the rows side by
    side, with sound. Nothing happens without W&B, and no failure of W&B ends a test.
    """

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log tables, strips and videos.

        Raises:
            RuntimeError: If there is no table before this callback.
        """
        results = table_of(trainer, self)
        if not trainer.is_global_zero:
            return
        for logger in wandb_loggers(trainer):
            try:
                show(logger, results)
            except Exception as error:  # the results are written, whatever happens in there
                log.warning("W&B does not show the results (%r).", error)


def wandb_loggers(trainer: Trainer) -> list[WandbLogger]:
    """The loggers that take pictures and videos."""
    return [logger for logger in trainer.loggers if isinstance(logger, WandbLogger)]


def show(logger: WandbLogger, results: TestTable) -> None:
    """Log what a test has written."""
    table, output = results.table, results.output
    columns, lines = summary_lines(table)
    logger.log_table("test/table", columns, lines)
    columns, lines = clip_lines(table)
    logger.log_table("test/clips", columns, lines)
    if (picture := output / "strip.png").is_file():
        logger.log_image("test/strips", [str(picture)])
    tested = {
        clip for cells in table.cells.values() for cell in cells.values() for clip in cell.clips
    }
    kept = [clip for clip in kept_clips(output) if clip in tested]
    if kept:
        paths = [str(output / FOLDER / f"{clip}.mp4") for clip in kept]
        logger.log_video("test/videos", paths, caption=kept)


def summary_lines(table: ResultTable) -> tuple[list[str], list[Line]]:
    """Columns and lines of a W&B table: every row's figures, and half their 95 % intervals."""
    metrics = table.metrics()
    columns = ["row", *(name for metric in metrics for name in (metric, f"{metric} ±"))]
    lines: list[Line] = []
    for row in table.rows():
        cells = [table.get(row, metric) for metric in metrics]
        figures = [_number(value) for cell in cells for value in (cell.value, cell.margin)]
        lines.append([table.title(row), *figures])
    return columns, lines


def clip_lines(table: ResultTable) -> tuple[list[str], list[Line]]:
    """Columns and lines of a W&B table: every clip's figures by row, with what is known of it."""
    known = list(dict.fromkeys(name for facts in table.clips.values() for name in facts))
    rows = {row: table.cells[row] for row in table.rows()}
    metrics = [m for m in table.metrics() if any(m in c and c[m].clips for c in rows.values())]
    names = dict.fromkeys(n for c in rows.values() for m in metrics if m in c for n in c[m].clips)
    lines: list[Line] = []
    for name in names:
        facts = [table.clips.get(name, {}).get(fact) for fact in known]
        for row, cells in rows.items():
            values = [
                cells[m].clips.get(name, math.nan) if m in cells else math.nan for m in metrics
            ]
            lines.append([name, *facts, row, *map(_number, values)])
    return ["clip", *known, "row", *metrics], lines


def _number(value: float) -> float | None:
    """A plain number; None for what is undefined or infinite."""
    return float(value) if math.isfinite(value) else None
