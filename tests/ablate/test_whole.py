"""The whole way, with real trainings: cut in the middle, and finished by the same command."""

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from talkface.cli.history import NAME
from tests.test_cli import TINY

EPOCHS = 8
SECONDS = 240.0
PATIENCE = 0.05


@pytest.mark.slow
@pytest.mark.timeout(900)  # six starts of Python and Lightning
def test_a_series_that_is_interrupted_is_finished_by_the_same_command(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    (tmp_path / "tiny.yaml").write_text(TINY)
    command = [sys.executable, "-m", "talkface", "ablate", "--config", "tiny.yaml"]
    command += ["--overlay", "l1", "--seeds", "3", "--output", "out", "--"]
    command += [f"--data.root={prepared}", f"--trainer.max_epochs={EPOCHS}"]
    base, l1 = (tmp_path / "out" / name / "seed3" for name in ("tiny", "tiny+l1"))

    first = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + SECONDS
    while not (base / "checkpoints/last.ckpt").is_file() and time.monotonic() < deadline:
        time.sleep(PATIENCE)
    first.send_signal(signal.SIGTERM)
    _, said = first.communicate(timeout=SECONDS)
    assert first.returncode == 130
    assert "Run the same command again" in said
    assert not (base / "fit.done").exists()
    assert not l1.joinpath("log.txt").exists()

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "tiny/seed3: training goes on" in done.stderr
    for folder in (base, l1):
        assert json.loads((folder / "test/table.json").read_text())["rows"]["audio"]
        with (folder / NAME).open(newline="") as file:
            steps = [int(row["step"]) for row in csv.DictReader(file) if row["train/pixel"]]
        assert steps == list(range(2 * EPOCHS))  # two batches an epoch, each logged once
