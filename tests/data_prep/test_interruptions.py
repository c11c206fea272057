"""Preparations that are killed, run out of space or lose the right to write, then go on.

What comes out in the end is, byte for byte, what an undisturbed run makes.
"""

import importlib
import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from data_prep.__main__ import main
from data_prep.engines import LocalEngine
from data_prep.verify import verify
from tests.data_prep.same import contents
from tests.data_prep.trees import lrw_tree

WORDS = ("ABOUT", "MIGHT", "OTHER", "WHERE")
CHAINS = 4
KILLS = 5
"""Per chain: 20 in all."""

TRIES = 3

FILES = 3 * 4 * len(WORDS)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lrw_tree(tmp_path_factory.mktemp("interruptions") / "raw", WORDS)


@pytest.fixture(scope="module")
def whole(raw: Path) -> dict[str, str]:
    """What an undisturbed run makes."""
    main(command(raw, raw.parent / "whole"))
    return contents(raw.parent / "whole")


def command(raw: Path, output: Path, workers: int = 0) -> list[str]:
    options = ["--side=64", "--landmarks=sidecar", f"--workers={workers}"]
    return ["lrw", f"--source={raw}", f"--output={output}", *options]


@pytest.fixture(scope="module")
def grouped() -> Iterator[Any]:
    """The module, by a name that processes find: another package may be called ``tests``, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        yield importlib.import_module("grouped")


def kill_when(grouped: Any, files: int, delay: float, raw: Path, output: Path) -> bool:
    """Start a run, kill it once so many files are there; whether it was still running."""
    process = grouped.start(command(raw, output, 2))
    while len(list(output.rglob("clips/**/*.*"))) < files:
        if not process.is_alive():
            return False
        time.sleep(0.001)
    time.sleep(delay)
    return bool(grouped.kill(process))


def kill_often(
    grouped: Any, raw: Path, whole: dict[str, str], output: Path, rng: random.Random
) -> int:
    """Kill run after run at any moment; how many were still running, and so were killed."""
    killed, finished = 0, set[str]()
    for files in sorted(rng.sample(range(1, 2 * FILES // 3), KILLS)):
        killed += kill_when(grouped, files, rng.uniform(0, 0.03), raw, output)
        found = {name: held for name, held in contents(output).items() if ".part" not in name}
        records = {name for name in found if name.startswith("clips") and name.endswith(".json")}
        assert finished <= records, "a finished clip was lost"
        finished = records
        halves = {n for n, held in found.items() if n[0] != "." and held != whole[n]}
        assert not halves, "a final name on a half-written file"
    return killed


@pytest.mark.parametrize("seed", range(CHAINS))
def test_killed_again_and_again_at_any_moment(
    grouped: Any, raw: Path, whole: dict[str, str], tmp_path: Path, seed: int
) -> None:
    rng, output, killed = random.Random(seed), tmp_path, 0
    for attempt in range(TRIES):  # on a busy machine a run may end before it is killed
        output = tmp_path / f"out{attempt}"
        killed = kill_often(grouped, raw, whole, output, rng)
        if killed == KILLS:
            break
    assert killed == KILLS
    kill_when(grouped, FILES, rng.uniform(0, 0.03), raw, output)  # among the manifests
    if any(output.rglob("clips/**/*.json")):
        assert verify(output, LocalEngine(0)).sound
    assert main(command(raw, output, 0)) == 0
    assert contents(output) == whole


def test_killed_while_it_renders_puppets(grouped: Any, tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader")
    people = ["--identities=1", "--val-identities=1", "--test-identities=1"]
    options = [*people, "--clips-per-identity=1", "--side=64", "--raw-side=64", "--workers=0"]
    output, rng = tmp_path / "out", random.Random(0)
    assert main(["puppets", f"--output={output}", *options]) == 0
    undisturbed = contents(output)
    output.rename(tmp_path / "whole")
    for _ in range(4):
        process = grouped.start(["puppets", f"--output={output}", *options])
        time.sleep(rng.uniform(0.1, 1.5))
        grouped.kill(process)
    assert main(["puppets", f"--output={output}", *options]) == 0
    assert contents(output) == undisturbed


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of its own, which holds about five clips."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=900k", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small disk can only be mounted by root")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", disk], check=True)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_full_disk_stops_the_run_which_goes_on_when_there_is_room(
    raw: Path, whole: dict[str, str], small: Path, caplog: pytest.LogCaptureFixture, workers: int
) -> None:
    arguments = command(raw, small / "out", workers)
    assert main(arguments) == 1
    assert "No space left on device" in caplog.text
    assert not list((small / "out").rglob(".*.part*"))
    assert verify(small / "out", LocalEngine(0)).sound
    assert not (small / "out" / "corpus.json").exists()
    remount(small, "size=64m")
    assert main(arguments) == 0
    assert contents(small / "out") == whole


def test_an_output_that_may_only_be_read_is_one_clear_line(
    raw: Path, whole: dict[str, str], small: Path, caplog: pytest.LogCaptureFixture
) -> None:
    remount(small, "size=64m")
    assert main([*command(raw, small / "out"), "--limit=3"]) == 0
    remount(small, "ro")
    before = contents(small)
    assert main(command(raw, small / "out")) == 1
    assert [r.levelname for r in caplog.records].count("ERROR") == 1
    assert "Read-only file system" in caplog.text
    assert main([*command(raw, small / "out"), "--verify"]) == 0
    remount(small, "rw")
    assert contents(small) == before
    assert main(command(raw, small / "out")) == 0
    assert contents(small / "out") == whole


def test_no_space_at_any_write_costs_no_more_than_that_write(
    raw: Path, whole: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync, calls, output = os.fsync, [0], tmp_path / "out"

    def fsync(descriptor: int) -> None:
        calls[0] += 1
        if calls[0] % 37 == 0:
            raise OSError(28, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    failures = 0
    while main(command(raw, output)) != 0:
        failures += 1
        assert not list(output.rglob(".*.part*"))
        assert failures < 20
    assert failures >= 2
    assert contents(output) == whole
