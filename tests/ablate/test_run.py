"""Running jobs: what is done stays, what failed is told, what is interrupted ends."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment

from talkface.ablate.job import read_job
from talkface.ablate.run import environment
from tests.ablate.conftest import Ablate
from tests.ablate.fakes import CALLS, PID, TIDIED, calls

ARGS = ("--config", "demo.yaml", "--overlay", "l1", "--seeds", "0", "--output", "out")
BASE, L1 = Path("out/demo/seed0"), Path("out/demo+l1/seed0")
ALL = ["fit demo/seed0", "test demo/seed0", "fit demo+l1/seed0", "test demo+l1/seed0"]


def again(ablate: Ablate, *args: str) -> list[str]:
    """What is started when the same is asked for once more."""
    CALLS.unlink(missing_ok=True)
    ablate(*args)
    return calls()


def test_jobs_run_one_after_the_other_and_leave_a_folder_each(
    ablate: Ablate, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    ablate(*ARGS)
    assert calls() == ALL
    for folder in (BASE, L1):
        assert (folder / "test/table.json").is_file()
        assert (folder / "log.txt").is_file()
    assert caplog.messages[-1].endswith(f"talkface report {BASE} {L1}")


def test_what_is_done_stays(ablate: Ablate) -> None:
    ablate(*ARGS)
    assert again(ablate, *ARGS) == []
    more = ("--overlay", "l1", "no_ema", "--seeds", "0", "1")
    assert "fit demo/seed0" not in again(ablate, *ARGS, *more)
    assert len(calls()) == 2 * 4  # an arm of seed 0, three of seed 1


def test_a_training_that_is_over_is_not_repeated_when_its_test_is(ablate: Ablate) -> None:
    ablate(*ARGS)
    (L1 / "test/table.json").unlink()
    assert again(ablate, *ARGS) == ["test demo+l1/seed0"]


def test_a_training_that_was_cut_goes_on_from_its_checkpoint(ablate: Ablate) -> None:
    ablate(*ARGS)
    (L1 / "test/table.json").unlink()
    (L1 / "fit.done").unlink()
    assert again(ablate, *ARGS) == ["fit demo+l1/seed0 goes on", "test demo+l1/seed0"]
    assert f"--ckpt_path {L1}/checkpoints/last.ckpt" in CALLS.read_text().splitlines()[0]


def test_a_job_that_fails_is_told_and_does_not_end_the_others(
    ablate: Ablate, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(
        "FAKE_FAIL", "fit --trainer.enable_progress_bar false --config demo.yaml --seed"
    )
    with pytest.raises(SystemExit) as stop:
        ablate(*ARGS)
    assert stop.value.code == 1
    assert calls() == [ALL[0], *ALL[2:]]
    summary = caplog.messages[-1]
    assert summary.startswith("1 of 2 jobs failed:\n  demo/seed0: `fit` ended with status 2;")
    assert f"{BASE}/log.txt" in summary
    assert "\n    talkface fit: error: no such luck" in summary
    monkeypatch.delenv("FAKE_FAIL")
    assert again(ablate, *ARGS) == ALL[:2]


def test_a_test_without_a_table_has_failed(
    ablate: Ablate, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("talkface.ablate.job.Job.table", Path("nowhere.json"))
    with pytest.raises(SystemExit):
        ablate(*ARGS)
    assert "`test` wrote no nowhere.json" in caplog.messages[-1]


def test_each_job_at_a_time_sees_its_own_gpus(ablate: Ablate) -> None:
    ablate(*ARGS, "--seeds", "0", "1", "2", "--gpus", "0,1", "2,3")
    seen = {line.split()[0] for line in CALLS.read_text().splitlines()}
    assert seen == {"0,1", "2,3"}
    assert len(calls()) == 12


def test_without_a_word_about_gpus_a_job_sees_what_there_is(
    ablate: Ablate, monkeypatch: pytest.MonkeyPatch
) -> None:
    ablate(*ARGS, "--jobs", "2")
    assert {line.split()[0] for line in CALLS.read_text().splitlines()} == {"all"}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5")
    assert environment(None)["CUDA_VISIBLE_DEVICES"] == "5"


def test_lightning_does_not_wait_for_slurm_to_start_its_other_ranks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SLURM_JOB_NAME", raising=False)
    monkeypatch.setenv("SLURM_NTASKS", "1")
    assert SLURMEnvironment.detect()
    monkeypatch.setattr(os, "environ", environment(None))
    assert not SLURMEnvironment.detect()


@pytest.mark.parametrize(
    ("sent", "child"),
    [
        (signal.SIGINT, "tidy"),
        (signal.SIGTERM, "tidy"),
        (signal.SIGHUP, "tidy"),
        (signal.SIGTERM, "stubborn"),
    ],
)
def test_an_interrupt_ends_what_was_started_and_tells_how_to_go_on(
    ablate: Ablate,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    sent: signal.Signals,
    child: str,
) -> None:
    monkeypatch.setenv("FAKE_SLEEP", child)
    grace = 20.0 if child == "tidy" else 0.2  # seconds; the tidy one needs them under load only
    monkeypatch.setattr("talkface.ablate.processes.GRACE", grace)
    handler = signal.getsignal(sent)
    sender = threading.Thread(target=_send_when_asleep, args=(sent,))
    sender.start()
    with pytest.raises(SystemExit) as stop:
        ablate(*ARGS)
    sender.join()
    assert stop.value.code == 130
    assert caplog.messages[-1] == "Interrupted. Run the same command again to go on."
    assert calls() == ALL[:1]
    assert TIDIED.exists() == (child == "tidy")
    assert all(_ends(int(pid)) for pid in PID.read_text().split())
    assert signal.getsignal(sent) == handler
    monkeypatch.delenv("FAKE_SLEEP")
    assert again(ablate, *ARGS) == ["fit demo/seed0 goes on", *ALL[1:]]


def test_a_signal_that_is_ignored_stays_ignored(ablate: Ablate) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        sender = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGHUP))
        sender.start()
        ablate(*ARGS)
        sender.join()
    finally:
        signal.signal(signal.SIGHUP, before)
    assert calls() == ALL


def test_a_job_that_another_process_works_on_is_left_to_it(
    ablate: Ablate, caplog: pytest.LogCaptureFixture
) -> None:
    ablate(*ARGS, "--commands", "jobs.txt")
    with read_job(L1).claimed(), pytest.raises(SystemExit):
        ablate(*ARGS)
    assert calls() == ALL[:2]
    assert f"Another process is working in {L1}" in caplog.messages[-1]


def _send_when_asleep(sent: signal.Signals) -> None:
    while not PID.exists():
        time.sleep(0.01)
    os.kill(os.getpid(), sent)


def _ends(pid: int) -> bool:
    """Whether a process is gone within a second; one that nobody waits for counts as gone."""
    for _ in range(100):
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.01)
    return False
