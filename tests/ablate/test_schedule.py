"""Jobs as shell commands, in a file or through a scheduler."""

import shlex
import subprocess
from pathlib import Path

import pytest

from talkface.ablate.errors import SubmitError
from tests.ablate.conftest import Ablate
from tests.ablate.fakes import CALLS, calls

ARGS = ("--config", "demo.yaml", "--overlay", "l1", "--seeds", "0", "--output", "out put")
SCHEDULER = """#!/bin/sh
echo "$1 $2" >> submitted.txt
cd / && bash -c "$3" && echo Submitted batch job 12
"""


@pytest.fixture
def scheduler(tmp_path: Path) -> str:
    """Takes a flag, a name, and a command, which it runs elsewhere, in a shell."""
    path = tmp_path / "batch"
    path.write_text(SCHEDULER)
    path.chmod(0o755)
    return str(path)


def test_every_job_is_one_line_that_runs_it_from_any_folder(ablate: Ablate, tmp_path: Path) -> None:
    ablate(*ARGS, "--commands", "lists/jobs.txt")
    assert not calls()
    first, second = Path("lists/jobs.txt").read_text().splitlines()
    assert shlex.split(second)[-2:] == ["--job", "out put/demo+l1/seed0"]
    subprocess.run(["bash", "-c", first], cwd="/", check=True)
    job = ["-m", "talkface", "ablate", "--job", "out put/demo/seed0"]
    assert shlex.split((tmp_path / CALLS).read_text()) == ["all", *job]


def test_the_lines_may_go_to_the_standard_output(
    ablate: Ablate, capsys: pytest.CaptureFixture[str]
) -> None:
    ablate(*ARGS, "--commands", "-")
    lines = capsys.readouterr().out.splitlines()
    assert [shlex.split(line)[-1] for line in lines] == [
        "out put/demo/seed0",
        "out put/demo+l1/seed0",
    ]


def test_a_line_that_runs_twice_does_its_job_once(ablate: Ablate) -> None:
    ablate(*ARGS, "--commands", "jobs.txt")
    for _ in range(2):
        ablate("--job", "out put/demo+l1/seed0")
    assert calls() == ["fit demo+l1/seed0", "test demo+l1/seed0"]


def test_a_scheduler_is_given_name_and_command_of_what_is_not_done(
    ablate: Ablate, scheduler: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    ablate(*ARGS, "--commands", "jobs.txt")
    ablate("--job", "out put/demo/seed0")
    CALLS.unlink()
    ablate(*ARGS, "--submit", f"{scheduler} --name {{name}} {{command}}")
    assert Path("submitted.txt").read_text() == "--name demo+l1-seed0\n"
    assert shlex.split(CALLS.read_text())[-2:] == ["--job", "out put/demo+l1/seed0"]
    assert "demo+l1/seed0: Submitted batch job 12" in caplog.messages


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("sbatch --wrap", "holds no {command}"),
        ("no-such-scheduler {command}", "Cannot run 'no-such-scheduler'"),
        ("bash -c 'echo no partition >&2; exit 3' {command}", "status 3: no partition"),
    ],
)
def test_a_job_that_cannot_be_submitted_is_told(ablate: Ablate, template: str, said: str) -> None:
    with pytest.raises(SubmitError) as refused:
        ablate(*ARGS, "--submit", template)
    assert said in str(refused.value)
