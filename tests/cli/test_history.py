"""``metrics.csv`` of a run that is cut and goes on."""

import csv
import os
from pathlib import Path
from typing import Any

import pytest

from talkface.cli.history import HistoryLogger


def part(folder: Path, *rows: dict[str, float]) -> None:
    """Log rows of a part of a run, as the trainer does; ``step`` is one of the keys."""
    logger = HistoryLogger(folder)
    for row in rows:
        logger.log_metrics({key: row[key] for key in row if key != "step"}, int(row["step"]))
    logger.save()


def read(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [{key: value for key, value in row.items() if value} for row in rows]


def test_a_run_that_goes_on_keeps_what_it_logged(tmp_path: Path) -> None:
    part(tmp_path, {"step": 9, "a": 0.1}, {"step": 19, "a": 1e-7, "b": 3})
    part(tmp_path, {"step": 29, "a": 0.3, "c": 4})
    assert read(tmp_path) == [
        {"step": "9", "a": "0.1"},
        {"step": "19", "a": "1e-07", "b": "3"},
        {"step": "29", "a": "0.3", "c": "4"},
    ]


def test_steps_after_the_checkpoint_come_once(tmp_path: Path) -> None:
    part(tmp_path, *({"step": step, "a": 1.0} for step in (9, 19, 29, 39)))
    part(tmp_path, *({"step": step, "a": 2.0} for step in (29, 39, 49)))
    assert [(row["step"], row["a"]) for row in read(tmp_path)] == [
        *(("9", "1.0"), ("19", "1.0")),
        *(("29", "2.0"), ("39", "2.0"), ("49", "2.0")),
    ]


def test_a_run_that_begins_anew_keeps_nothing(tmp_path: Path) -> None:
    part(tmp_path, {"step": 9, "a": 1.0}, {"step": 19, "b": 1.0})
    part(tmp_path, {"step": 9, "a": 2.0})
    assert read(tmp_path) == [{"step": "9", "a": "2.0"}]


def test_a_run_that_is_cut_before_it_logs_loses_nothing(tmp_path: Path) -> None:
    part(tmp_path, {"step": 9, "a": 0.1}, {"step": 19, "b": 0.2})
    before = (tmp_path / "metrics.csv").read_text()
    HistoryLogger(tmp_path)
    assert (tmp_path / "metrics.csv").read_text() == before


def test_files_of_other_kinds_beside_it_are_not_warned_of(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    (tmp_path / "log.txt").touch()
    part(tmp_path, {"step": 0, "a": 1.0})
    assert not list(recwarn)


def test_a_line_that_a_kill_cut_short_is_no_row(tmp_path: Path) -> None:
    part(tmp_path, {"step": 9, "a": 0.25}, {"step": 19, "a": 0.125})
    file = tmp_path / "metrics.csv"
    file.write_bytes(file.read_bytes()[:-4])
    part(tmp_path, {"step": 29, "a": 0.5})
    assert read(tmp_path) == [{"step": "9", "a": "0.25"}, {"step": "29", "a": "0.5"}]


@pytest.mark.parametrize("row", [{"step": 19, "a": 2.0}, {"step": 29, "new": 2.0}], ids=str)
def test_a_kill_while_the_file_is_rewritten_leaves_it_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: dict[str, float]
) -> None:
    part(tmp_path, {"step": 9, "a": 0.1}, {"step": 19, "a": 0.2})
    before = (tmp_path / "metrics.csv").read_bytes()
    child = os.fork()
    if not child:

        def die(*_: Any) -> None:
            os._exit(9)

        monkeypatch.setattr("talkface.data.durable.settle", die)
        part(tmp_path, row)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert (tmp_path / "metrics.csv").read_bytes() == before
