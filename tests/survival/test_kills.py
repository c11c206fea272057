"""A training of two processes with workers that is killed again and again."""

import random
import time
from pathlib import Path
from typing import Any

import pytest

KILLS = 10
DEAD_RANK = 4
"""The kill that hits one training process only: the others have to end by themselves."""

PATIENCE = 60.0
"""Seconds in which a training without one of its processes has to end."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def command(survivor: Any, prepared: Path, run: Path) -> list[str]:
    run.parent.mkdir(exist_ok=True)
    options = {
        "trainer.devices": 2,
        "trainer.strategy": "ddp_fork_find_unused_parameters_true",
        "trainer.max_epochs": 3,
        "data.windows_per_clip": 4,
        "data.workers": 1,
        "checkpoints.batches": 1,
    }
    given = [f"--{name}={value}" for name, value in options.items()]
    return list(survivor.command(prepared, run, *given))


def wait_for_a_checkpoint(process: Any, run: Path) -> None:
    """Until the run has saved once more."""
    last = run / "checkpoints/last.ckpt"

    def seen() -> int | None:
        return last.stat().st_mtime_ns if last.exists() else None

    before = seen()
    while process.is_alive() and seen() == before:
        time.sleep(0.005)


def test_a_run_killed_ten_times_comes_out_as_an_undisturbed_one(
    survivor: Any, prepared: Path, tmp_path: Path
) -> None:
    whole, often = tmp_path / "whole/run", tmp_path / "often/run"
    undisturbed = survivor.start(command(survivor, prepared, whole))
    undisturbed.join()
    assert undisturbed.exitcode == 0
    rng, alive = random.Random(5), 0
    for number in range(KILLS):
        process = survivor.start(command(survivor, prepared, often))
        wait_for_a_checkpoint(process, often)
        time.sleep(rng.uniform(0, 0.3))
        alive += process.is_alive()
        if number == DEAD_RANK:
            survivor.kill_a_rank(process)
            process.join(PATIENCE)
            assert process.exitcode not in (None, 0)
        survivor.kill(process)
    assert alive == KILLS
    last = survivor.start(command(survivor, prepared, often))
    last.join()
    assert last.exitcode == 0
    assert survivor.differences(survivor.content(often), survivor.content(whole)) == []
    assert (often / "metrics.csv").read_bytes() == (whole / "metrics.csv").read_bytes()
