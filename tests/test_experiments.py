"""Identity pre-training through the command line: which experiment runs, and what it leaves."""

import csv
from pathlib import Path

import pytest
import torch
import yaml

from talkface.cli import main
from talkface.cli.experiments import (
    ExperimentNotFoundError,
    chosen_experiment,
    trained_experiment,
)
from talkface.models import IdentityEncoder
from tests.portraits import portraits

TINY = """
experiment: identity
trainer:
  accelerator: cpu
  max_epochs: 2
  num_sanity_val_steps: 0
  enable_progress_bar: false
  enable_model_summary: false
  log_every_n_steps: 1
data:
  resolution: 32
  batch_size: 8
  workers: 0
model:
  encoder:
    class_path: talkface.models.IdentityEncoder
    init_args: {dim: 16, channels: [4, 4, 8, 8, 8]}
  margin: {scale: 8.0, margin: 0.3}
"""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return portraits(tmp_path_factory.mktemp("portraits"))


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A pre-training of seconds, as ``tiny.yaml`` in the working folder; W&B switched off."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "disabled")
    (tmp_path / "tiny.yaml").write_text(TINY)
    return "tiny.yaml"


def refused(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    """What a command that must be refused says, in one line."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        main(list(args))
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert said.count(": error: ") == 1
    return said


# -- which one ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "name"),
    [
        ([], "talkface"),
        (["--config", "plain.yaml"], "talkface"),
        (["--config", "identity.yaml"], "identity"),
        (["-c", "identity.yaml", "--config=plain.yaml"], "identity"),
        (["--config=identity.yaml", "--config", "talkface.yaml"], "talkface"),
        (["--experiment", "identity", "--config", "plain.yaml"], "identity"),
        (["--config", "identity.yaml", "--experiment=talkface"], "talkface"),
        (["--config", "broken.yaml"], "talkface"),
        (["--config"], "talkface"),
    ],
    ids=" ".join,
)
def test_the_last_word_on_the_experiment_counts(
    args: list[str], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain.yaml").write_text("data: {root: somewhere}")
    (tmp_path / "identity.yaml").write_text("experiment: identity")
    (tmp_path / "talkface.yaml").write_text("experiment: talkface")
    (tmp_path / "broken.yaml").write_text("experiment: identity: [")
    assert chosen_experiment(["fit", *args]) == name


def test_an_unknown_experiment_lists_those_there_are() -> None:
    with pytest.raises(ExperimentNotFoundError, match=r"'face'.*talkface or identity"):
        chosen_experiment(["fit", "--experiment", "face"])


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (["encoder", "people", "margin", "_instantiator"], "identity"),
        (["identity_encoder", "terms", "resolution", "_instantiator"], "talkface"),
        ([], None),
        (["of", "another", "version"], None),
    ],
)
def test_a_checkpoint_is_known_by_its_settings(settings: list[str], name: str | None) -> None:
    assert trained_experiment(settings) == name


# -- the whole way ------------------------------------------------------------------------------


def test_a_pre_training_leaves_a_run_that_repeats_validates_and_tests(
    tiny: str, corpus: Path, caplog: pytest.LogCaptureFixture
) -> None:
    main(["fit", "--config", tiny, f"--data.root={corpus}"])
    run = Path("runs/tiny")
    saved = run / "config.yaml"
    assert yaml.safe_load(saved.read_text())["experiment"] == "identity"
    rows = list(csv.DictReader((run / "metrics.csv").open()))
    for key in ("train/loss", "train/accuracy", "val/verification_seen"):
        assert any(row[key] for row in rows), key

    last = run / "checkpoints" / "last.ckpt"
    content = torch.load(last, weights_only=True)
    assert content["hyper_parameters"]["people"] == 6
    assert content["state_dict"]["head.weight"].shape == (6, 16)
    IdentityEncoder(16, (4, 4, 8, 8, 8), init_from=last).warm_start()

    for command in ("validate", "test"):
        main([command, f"--config={saved}", f"--ckpt_path={last}"])
        text = (run / command / "metrics.csv").read_text()
        assert f"{command.removesuffix('idate')}/verification_unseen" in text

    main(["fit", f"--config={saved}", f"--ckpt_path={last}", "--trainer.max_epochs=3"])
    assert torch.load("runs/tiny-2/checkpoints/last.ckpt", weights_only=True)["epoch"] == 2
    assert "was trained with" not in caplog.text  # the config is the same


def test_the_command_line_alone_can_choose_the_experiment(tiny: str, corpus: Path) -> None:
    Path(tiny).write_text(TINY.replace("experiment: identity\n", ""))
    options = [f"--data.root={corpus}", "--trainer.max_epochs=1", "--model.margin=null"]
    main(["fit", "--experiment", "identity", "--config", tiny, *options])
    saved = yaml.safe_load(Path("runs/tiny/config.yaml").read_text())
    assert saved["experiment"] == "identity"
    assert saved["model"]["margin"] is None


# -- what is refused ----------------------------------------------------------------------------


def checkpoint(settings: dict[str, object]) -> str:
    torch.save({"state_dict": {}, "hyper_parameters": settings}, "other.ckpt")
    return "--ckpt_path=other.ckpt"


@pytest.mark.parametrize("command", ["fit", "validate", "test"])
def test_a_checkpoint_of_talkface_is_refused(
    command: str, tiny: str, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = checkpoint({"terms": {}, "identity_encoder": {}, "_instantiator": "x"})
    said = refused(capsys, command, "--config", tiny, f"--data.root={corpus}", given)
    assert "other.ckpt was trained by the experiment 'talkface', not 'identity'" in said


def test_talkface_refuses_a_checkpoint_of_identity(
    tiny: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = checkpoint({"encoder": {}, "people": 6})
    said = refused(capsys, "test", "--config", "demo.yaml", "--data.root=x", given)
    assert "says `experiment: identity`" in said


def test_there_is_nothing_to_predict(
    tiny: str, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, "predict", "--config", tiny, f"--data.root={corpus}")
    assert "'identity' renders nothing" in said


def test_a_corpus_of_clips_is_refused(
    tiny: str, prepared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, "fit", "--config", tiny, f"--data.root={prepared}")
    assert "clips" in said


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--model.margin.margin=2", "`model.margin.margin` is 2.0"),
        ("--model.people=3", "data.people"),
        ("--experiment=face", "No experiment 'face'"),
        ("--evaluation.strips=3", "evaluation.strips"),
    ],
)
def test_settings_that_cannot_be_are_told_in_one_message(
    option: str, said: str, tiny: str, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in refused(capsys, "fit", "--config", tiny, f"--data.root={corpus}", option)


def test_a_checkpoint_of_other_people_is_told_in_one_message(
    tiny: str, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["fit", "--config", tiny, f"--data.root={corpus}", "--trainer.max_epochs=1"])
    others = portraits(tmp_path / "others", people=5)
    args = ["--config", tiny, f"--data.root={others}"]
    said = refused(capsys, "validate", *args, "--ckpt_path=runs/tiny/checkpoints/last.ckpt")
    assert "trained on 6 people, but the data have 5" in said
