"""``metrics.csv``, the history of a run, which goes on when the run does."""

import csv
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import CSVLogger
from pytorch_lightning.utilities import rank_zero_only

NAME = "metrics.csv"
STEP = "step"


class HistoryLogger(CSVLogger):
    """Lightning's CSV file, which keeps the rows of the run that is continued.

    Lightning deletes the file of an earlier part. Here its rows stay, up to the step at which this
    part begins to log: later ones came after the checkpoint, and come again.

    Args:
        folder: Folder of the run.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / NAME
        self._earlier = _rows(self._file)
        super().__init__(folder, name="", version="")
        self._restore(self._earlier)

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Keep a row of numbers, after those of the earlier part that came before."""
        earlier, self._earlier = self._earlier, []
        kept = [row for row in earlier if step is None or int(row[STEP]) < step]
        if len(kept) < len(earlier):
            self._file.unlink()
            self._restore(kept)
        super().log_metrics(dict(metrics), step)

    @rank_zero_only
    def _restore(self, rows: Sequence[dict[str, Any]]) -> None:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*exists and is not empty")
            writer = self.experiment  # deletes the file when it is asked for first
        for row in rows:
            writer.log_metrics({key: value for key, value in row.items() if key != STEP}, row[STEP])
        writer.save()


def _rows(file: Path) -> list[dict[str, Any]]:
    """What was logged, as it is written, without what a row leaves empty."""
    if not file.is_file():
        return []
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [{key: value for key, value in row.items() if value} for row in rows if row.get(STEP)]
