"""Trainings of several processes, as torchrun and SLURM start them, without GPUs."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.survival.survivor import command, content

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SBATCH = Path(__file__).parents[2] / "docs/scripts/train.sbatch"
PATIENCE = 400.0

SRUN = """#!/bin/bash
for task in $(seq 0 $((SLURM_NTASKS - 1))); do
  SLURM_PROCID=$task SLURM_LOCALID=$((task % SLURM_NTASKS_PER_NODE)) \\
    SLURM_NODEID=$((task / SLURM_NTASKS_PER_NODE)) "$@" & echo $! >> "$TASKS"
done
wait
"""
"""Starts as many tasks as SLURM would, on this machine."""


def given(prepared: Path, run: Path, *more: str) -> list[str]:
    """Eight steps in two epochs of two processes, in the settings of ``gpu4.yaml``."""
    size = ["--data.windows_per_clip=2", "--config=gpu4.yaml", "--trainer.devices=2"]
    return command(prepared, run, *size, "--trainer.accelerator=cpu", *more)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("localhost", 0))
        return int(one.getsockname()[1])


def begin(arguments: Sequence[str], **variables: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **variables}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        arguments, env=environment, stdout=pipe, stderr=subprocess.STDOUT, text=True
    )


def ended(process: "subprocess.Popen[str]") -> str:
    """What it said; it has to end well."""
    try:
        told, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 0, told[-5000:]
    return told


def torchrun(*options: str) -> list[str]:
    return [sys.executable, "-m", "torch.distributed.run", *options, "-m", "talkface"]


def test_gpu4_starts_its_processes_itself(prepared: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    ended(begin([sys.executable, "-m", "talkface", *given(prepared, run)]))
    assert content(run)["talkface_steps"] == 8


def test_torchrun_starts_two_processes_of_a_machine(prepared: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    start = torchrun("--nproc-per-node=2", f"--master-port={free_port()}")
    ended(begin([*start, *given(prepared, run)]))
    assert content(run)["talkface_steps"] == 8


def test_torchrun_starts_two_machines_of_a_process(prepared: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    meeting = ["--rdzv-backend=c10d", f"--rdzv-endpoint=localhost:{free_port()}"]
    start = torchrun("--nnodes=2", "--nproc-per-node=1", *meeting)
    more = ["--trainer.devices=1", "--trainer.num_nodes=2"]
    nodes = [begin([*start, *given(prepared, run, *more)]) for _ in range(2)]
    for node in nodes:
        ended(node)
    assert content(run)["talkface_steps"] == 8


def job(folder: Path, arguments: Sequence[str]) -> Mapping[str, str]:
    """Commands of SLURM, and ``talkface`` with other options, in a PATH; variables of a job."""
    tools = folder / "bin"
    tools.mkdir(exist_ok=True)
    quoted = " ".join(f"'{one}'" for one in arguments)
    scripts = {
        "srun": SRUN,
        "scontrol": f'#!/bin/bash\necho "$@" >> {folder}/scontrol\n',
        "talkface": f"#!/bin/bash\nexec {sys.executable} -m talkface {quoted}\n",
    }
    for name, text in scripts.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    slurm = {
        "JOB_ID": "4711",
        "JOB_NAME": "talkface",
        "NTASKS": "2",
        "NTASKS_PER_NODE": "2",
        "NNODES": "1",
        "JOB_NUM_NODES": "1",
        "NODELIST": "localhost",
    }
    path = f"{tools}:{os.environ['PATH']}"
    variables = {f"SLURM_{name}": value for name, value in slurm.items()}
    return {**variables, "PATH": path, "TASKS": str(folder / "tasks")}


def test_a_slurm_job_is_saved_and_queued_again_and_goes_on(prepared: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    variables = job(tmp_path, given(prepared, run, "--trainer.max_epochs=200"))
    first = begin(["bash", str(SBATCH)], **variables)
    last = run / "checkpoints/last.ckpt"
    until = time.monotonic() + PATIENCE
    while not last.exists() and first.poll() is None and time.monotonic() < until:
        time.sleep(0.1)
    for task in (tmp_path / "tasks").read_text().split():
        os.kill(int(task), signal.SIGUSR1)
    told, _ = first.communicate(timeout=PATIENCE)
    assert "ended by SIGUSR1 after" in told, told[-5000:]
    assert (tmp_path / "scontrol").read_text() == "requeue 4711\n"
    done = content(run)["talkface_steps"]
    assert done >= 3
    epochs = done // 4 + 1
    again = job(tmp_path, given(prepared, run, f"--trainer.max_epochs={epochs}"))
    ended(begin(["bash", str(SBATCH)], **again))
    assert content(run)["talkface_steps"] == 4 * epochs
