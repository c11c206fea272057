"""``metrics.csv``, the history of a run, which goes on when the run does."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from lightning_fabric.loggers.logger import rank_zero_experiment
from pytorch_lightning.loggers import CSVLogger
from pytorch_lightning.loggers.csv_logs import ExperimentWriter
from pytorch_lightning.utilities import rank_zero_only

from talkface.data.durable import sync_file, write_aside

NAME = "metrics.csv"
STEP = "step"


class HistoryLogger(CSVLogger):
    """Lightning's CSV file, which keeps the rows of the run that is continued.

    Lightning deletes the file of an earlier part. Here its rows stay, up to the step at which this
    part begins to log: later ones came after the checkpoint, and come again. The file is replaced
    as a whole or grows at its end, so a kill at any moment leaves the rows of the checkpoint.

    Args:
        folder: Folder of the run.
    """

    _experiment: "_Writer | None"

    def __init__(self, folder: Path) -> None:
        self._file = folder / NAME
        self._goes_on = self._file.is_file()
        super().__init__(folder, name="", version="")

    @property
    @rank_zero_experiment
    def experiment(self) -> ExperimentWriter:
        """What writes the file."""
        if self._experiment is None:
            self._experiment = _Writer(self._file)
        return self._experiment

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Keep a row of numbers, after those of the earlier part that came before."""
        if self._goes_on:
            rows = read_rows(self._file)
            kept = [row for row in rows if step is None or int(row[STEP]) < step]
            cast("_Writer", self.experiment).replace(kept)
            self._goes_on = False
        super().log_metrics(dict(metrics), step)


class _Writer(ExperimentWriter):
    """Lightning's, but for deleting what is there and writing over it."""

    def __init__(self, file: Path) -> None:
        super().__init__(str(file.parent))
        self._file = file
        self.metrics_keys = sorted({key for row in read_rows(file) for key in row})

    def save(self) -> None:
        """Append rows, and bring them to the disk: a checkpoint that follows counts on them."""
        pending = bool(self.metrics)
        super().save()
        if pending:
            sync_file(self._file)

    def replace(self, rows: Sequence[dict[str, Any]]) -> None:
        """Have these rows only."""
        self.metrics_keys = sorted({key for row in rows for key in row})
        if rows:
            self._write(rows)
        else:
            self._file.unlink(missing_ok=True)

    def _rewrite_with_new_header(self, fieldnames: list[str]) -> None:
        self._write(read_rows(self._file))

    def _write(self, rows: Sequence[dict[str, Any]]) -> None:
        text = io.StringIO(newline="")
        table = csv.DictWriter(text, self.metrics_keys)
        table.writeheader()
        table.writerows(rows)
        with write_aside(self._file) as file:
            file.write(text.getvalue().encode())

    def _check_log_dir_exists(self) -> None:
        """Nothing there is in the way."""


def read_rows(file: Path) -> list[dict[str, str]]:
    """What was logged, as it is written, without what a row leaves empty.

    A last line that a kill has cut short is left out.
    """
    if not file.is_file():
        return []
    text = file.read_bytes().decode()
    whole = text[: text.rfind("\n") + 1]
    rows = list(csv.DictReader(io.StringIO(whole, newline="")))
    return [{key: value for key, value in row.items() if value} for row in rows if row.get(STEP)]
