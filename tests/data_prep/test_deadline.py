import importlib
import json
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from data_prep.build import ClipJob, build
from data_prep.corpora import GridCorpus
from data_prep.deadline import DeadlineError, deadline
from data_prep.splits import Holdout
from talkface.data.layout import read_manifest
from tests.data_prep.trees import grid_tree

NAMES = ("bbaf2n", "lbaq7a", "pbav3s")


@pytest.fixture
def blocking(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, by a name that processes find: another package may be called ``tests``, too."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return importlib.import_module("blocking")


def prepare(blocking: Any, root: Path, blocked: tuple[str, ...], workers: int) -> dict[str, str]:
    """Prepare three clips, and those that block; the reasons for which any is skipped."""
    corpus = blocking.BlockingCorpus(
        GridCorpus(grid_tree(root / "raw", {"s1": (*NAMES, *blocked)}))
    )
    job = ClipJob(corpus, root / "out", side=64, landmarks="sidecar", timeout=1.0)
    build(job, Holdout(val=0, test=0), workers=workers)
    assert {r.id for r in read_manifest(root / "out", "train")} == {f"s1/{n}" for n in NAMES}
    rows = (root / "out" / "skipped.jsonl").read_text().splitlines()
    return {row["id"]: row["reason"] for row in map(json.loads, rows)}


@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_clip_that_waits_for_ever_is_skipped_after_its_time(
    blocking: Any, tmp_path: Path, workers: int
) -> None:
    skipped = prepare(blocking, tmp_path, ("pipe",), workers)
    assert skipped == {"s1/pipe": "It takes longer than 1 s, the limit by `--clip-timeout`."}


@pytest.mark.slow
def test_a_clip_that_blocks_native_code_ends_its_process_and_costs_no_other(
    blocking: Any, tmp_path: Path
) -> None:
    skipped = prepare(blocking, tmp_path, ("native", "pipe"), 2)
    assert "longer than 1 s" in skipped.pop("s1/pipe")
    assert "for 0:00:02 (h:mm:ss)" in skipped.pop("s1/native")
    assert not skipped


def stubborn() -> None:
    """What a library does that takes every error for its own."""
    with suppress(Exception):
        time.sleep(5)


def test_no_library_takes_the_limit_for_its_own_error() -> None:
    with pytest.raises(DeadlineError, match=r"longer than 0\.05 s"), deadline(0.05):
        stubborn()


def test_a_timer_of_the_caller_goes_on() -> None:
    rung = list[int]()
    handler = signal.signal(signal.SIGALRM, lambda number, _frame: rung.append(number))
    before = signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with deadline(5.0):
            time.sleep(0.3)
        assert not rung
        time.sleep(0.1)
        assert rung == [signal.SIGALRM]
    finally:
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, *before)


def test_without_a_limit_there_is_no_timer() -> None:
    before = signal.getitimer(signal.ITIMER_REAL)[0]
    with deadline(0.0):
        assert signal.getitimer(signal.ITIMER_REAL)[0] == pytest.approx(before, abs=1.0)
