"""What was logged behind the last checkpoint before a ``kill -9`` is there once."""

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from talkface.cli.wandb_rows import AXIS, OFFLINE, _history

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

KILL = "--trainer.callbacks+=survivor.KillAfter"


def logged(run: Path) -> Counter[tuple[str, int]]:
    """How often W&B has a value of each key and step, in all parts together."""
    parts = (run / "wandb").glob(f"{OFFLINE}*")
    rows = [row for part in parts for row in _history(part) if AXIS in row]
    return Counter((key, row[AXIS]) for row in rows for key in row if "/" in key and key != AXIS)


def kept(run: Path) -> Counter[tuple[str, int]]:
    """The same of ``metrics.csv``."""
    with (run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    return Counter((k, int(row["step"])) for row in rows for k in row if row[k] and "/" in k)


@pytest.mark.parametrize("batch", [18, 31])
def test_rows_around_a_checkpoint_come_once_after_a_kill(
    survivor: Any, prepared: Path, tmp_path: Path, batch: int
) -> None:
    run, kill = tmp_path / "run", [KILL, f"--trainer.callbacks.batches={batch}"]
    command = survivor.command(prepared, run, "--wandb.mode=offline", "--data.windows_per_clip=4")
    killed = survivor.start([*command, *kill])
    killed.join()
    assert killed.exitcode == -9
    last = max(step for _, step in logged(run))
    assert last < 15 if batch == 18 else last > 15  # of the 16 that the checkpoint has
    again = survivor.start(command)
    again.join()
    assert again.exitcode == 0
    found, expected = logged(run), kept(run)
    assert set(expected.values()) == set(found.values()) == {1}
    assert found == expected
