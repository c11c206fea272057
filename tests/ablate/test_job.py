"""What a folder was started with is what it goes on with."""

import json
import shlex
from pathlib import Path

import pytest

from talkface.ablate.errors import AblationError, NoJobError, OtherJobError
from talkface.ablate.job import read_job
from tests.ablate.conftest import Ablate
from tests.ablate.fakes import CALLS, calls

ARGS = ("--config", "mine.yaml", "--seeds", "0", "--output", "out")
FOLDER = Path("out/mine/seed0")


@pytest.fixture(autouse=True)
def _config(ablate: Ablate) -> None:
    Path("mine.yaml").write_text("trainer: {max_epochs: 2}\ndata: {root: x, frames: 4}")


def test_the_exact_commands_are_kept(ablate: Ablate) -> None:
    ablate(*ARGS, "--", "--data.limit", "4")
    kept = json.loads((FOLDER / "job.json").read_text())
    run = [shlex.split(line) for line in CALLS.read_text().splitlines()]
    assert [["all", "-m", "talkface", *kept[stage]] for stage in ("fit", "test")] == run
    assert kept["configs"]["mine.yaml"]["data"] == {"root": "x", "frames": 4}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--", "--data.limit", "8"], "fit: was `--data.limit 4`, is `--data.limit 8`; test: was"),
        (["--"], "fit: was `--data.limit 4`, is ``"),
        (
            ["--test-args=--evaluation.strips 1", "--", "--data.limit", "4"],
            "test: was ``, is `--eval",
        ),
    ],
)
def test_other_settings_are_refused_before_anything_runs(
    ablate: Ablate, args: list[str], said: str
) -> None:
    ablate(*ARGS, "--", "--data.limit", "4")
    CALLS.unlink()
    with pytest.raises(OtherJobError, match=r"Use another --output") as refused:
        ablate(*ARGS, "--seeds", "1", "0", *args)
    assert said in str(refused.value)
    assert not calls()
    assert not FOLDER.with_name("seed1").exists()


def test_a_config_that_was_edited_is_refused_but_not_a_comment(ablate: Ablate) -> None:
    ablate(*ARGS)
    text = Path("mine.yaml").read_text()
    Path("mine.yaml").write_text(f"# a thought\n{text}")
    ablate(*ARGS)
    Path("mine.yaml").write_text(text.replace("frames: 4", "frames: 5"))
    with pytest.raises(OtherJobError, match=r"mine\.yaml has been edited: data\.frames\. Use"):
        ablate(*ARGS)


def test_settings_may_change_until_a_job_has_started(ablate: Ablate) -> None:
    ablate(*ARGS, "--commands", "jobs.txt")
    ablate(*ARGS, "--commands", "jobs.txt", "--", "--data.limit", "8")
    assert "--data.limit" in read_job(FOLDER).fit


def test_a_dry_run_tells_states_and_commands_and_leaves_no_trace(
    ablate: Ablate, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    ablate(*ARGS, "--dry-run")
    assert not Path("out").exists()
    assert caplog.messages[0] == "mine/seed0: to be run"
    assert caplog.messages[1].startswith("  talkface fit ")
    assert caplog.messages[2].startswith("  talkface test ")


@pytest.mark.parametrize(
    ("made", "state"),
    [
        ([], "to be run"),
        (["checkpoints/last.ckpt"], "to be continued"),
        (["checkpoints/last.ckpt", "fit.done"], "to be tested"),
        (["checkpoints/last.ckpt", "fit.done", "test/table.json"], "done"),
    ],
)
def test_the_state_of_a_job_is_what_its_folder_holds(
    ablate: Ablate, made: list[str], state: str
) -> None:
    ablate(*ARGS, "--commands", "jobs.txt")
    for name in made:
        (FOLDER / name).parent.mkdir(exist_ok=True)
        (FOLDER / name).touch()
    assert read_job(FOLDER).state == state


@pytest.mark.parametrize(("text", "said"), [(None, "No such file"), ("{", "not as written")])
def test_a_folder_without_a_job_is_told(ablate: Ablate, text: str | None, said: str) -> None:
    if text is not None:
        Path("job.json").write_text(text)
    with pytest.raises(NoJobError, match=said):
        ablate("--job", ".")


@pytest.mark.parametrize("args", [["--config", "mine.yaml"], ["--output", "out"], []])
def test_base_and_output_are_needed(ablate: Ablate, args: list[str]) -> None:
    with pytest.raises(AblationError, match="Give --config"):
        ablate(*args)
