"""Which rows of a run W&B has."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from talkface.cli import wandb_rows
from talkface.cli.wandb_rows import Rows


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Parts of a run ``a``, and one of another."""
    parts = {
        "run-20261128_000000-a": [(0, "x", 9), (1, "x", 19), (2, "x", 29)],
        "offline-run-20261128_000001-a": [(0, "y._type", 39), (1, "z", 49)],
        "run-20261128_000002-b": [(0, "x", 99)],
    }
    for name in parts:
        (tmp_path / name).mkdir()
    (tmp_path / "latest-run").symlink_to(tmp_path / "run-20261128_000002-b")

    def history(part: Path) -> Iterator[dict[str, Any]]:
        for at, key, step in parts[part.name]:
            yield {"_step": at, key: 1.0, "trainer/global_step": step}

    monkeypatch.setattr(wandb_rows, "_history", history)
    return tmp_path


def test_rows_of_all_parts_of_a_run_are_there(folder: Path) -> None:
    rows = Rows.read(folder, "a", start=3)
    assert rows.new({"x": 1, "y": 2, "z": 3}, 29) == {}
    assert rows.new({"x": 1, "y": 2, "z": 3}, 39) == {"x": 1}
    assert rows.new({"x": 1, "y": 2, "z": 3}, 49) == {"x": 1, "y": 2}


def test_rows_that_did_not_reach_the_server_are_not_there(folder: Path) -> None:
    rows = Rows.read(folder, "a", start=2)
    assert rows.new({"x": 1}, 19) == {}
    assert rows.new({"x": 1}, 29) == {"x": 1}


def test_an_epoch_alone_is_no_row() -> None:
    rows = Rows({"x": 5, "epoch": 3})
    assert rows.new({"x": 1, "epoch": 2}, 5) == {}
    assert rows.new({"x": 1, "epoch": 2}, 6) == {"x": 1, "epoch": 2}
