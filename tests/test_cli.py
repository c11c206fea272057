"""The command line: finding configs, one message per mistake, run folders, loggers."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from pytorch_lightning.loggers import CSVLogger, WandbLogger

from talkface.cli import main
from talkface.cli.command import one_message
from talkface.cli.configs import ConfigNotFoundError, find_config, resolve_configs, shipped_configs
from talkface.cli.errors import message_for_users, shortened
from talkface.cli.runs import (
    RunFolderError,
    Wandb,
    choose_mode,
    make_folder,
    make_loggers,
    run_folder,
    run_name,
    start_wandb,
)
from talkface.data.media import read_audio, read_video
from talkface.types import FPS, SAMPLE_RATE

TINY = """
trainer:
  accelerator: cpu
  max_epochs: 1
  limit_train_batches: 2
  limit_val_batches: 1
  limit_test_batches: 1
  num_sanity_val_steps: 0
  enable_progress_bar: false
  enable_model_summary: false
  log_every_n_steps: 1
data:
  resolution: 64
  frames: 4
  batch_size: 2
  workers: 0
model:
  identity_encoder:
    class_path: talkface.models.IdentityEncoder
    init_args: {channels: [8, 8, 8, 8, 8]}
  video_encoder:
    class_path: talkface.models.VideoEncoder
    init_args:
      fan:
        class_path: talkface.models.FAN
        init_args: {num_modules: 1, features: 16, depth: 2, pool: false}
  audio_encoder:
    class_path: talkface.models.AudioEncoder
    init_args: {width: 8}
  generator:
    class_path: talkface.models.Generator
    init_args: {base: 256, limit: 16, identity_channels: [8, 8, 8, 8, 8]}
  terms:
    pixel: {weight: 1.0}
  rendered: 2
"""


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An experiment of seconds, as ``tiny.yaml`` in the working folder; W&B switched off."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "disabled")
    (tmp_path / "tiny.yaml").write_text(TINY)
    return "tiny.yaml"


def refused(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    """What a command that must be refused says, in one line."""
    with pytest.raises(SystemExit) as stop:
        main(list(args))
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert said.count(": error: ") == 1
    return said


# -- configs ----------------------------------------------------------------------------------


def test_a_config_of_the_working_folder_comes_before_a_shipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = shipped_configs()[0]
    assert Path(find_config(name)).is_absolute()
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("{}")
    assert find_config(name) == name


def test_config_names_are_found_in_every_spelling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = shipped_configs()[0]
    path = find_config(name)
    given = ["fit", "--config", name, f"--config={name}", "-c", name, "--data.root", name]
    expected = ["fit", "--config", path, f"--config={path}", "-c", path, "--data.root", name]
    assert resolve_configs(given) == expected


def test_a_config_found_nowhere_lists_the_shipped_ones() -> None:
    with pytest.raises(ConfigNotFoundError, match=r"No config 'lrv.yaml'.*Shipped are: .*\.yaml"):
        find_config("lrv.yaml")


# -- messages ---------------------------------------------------------------------------------


def test_help_names_every_command_without_heavy_imports() -> None:
    code = (
        "import sys; from talkface.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for command in ("fit", "validate", "test", "predict", "generate"):
        assert f"\n  {command} " in done.stdout


def test_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith("talkface ")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--config", "none.yaml"], "No config 'none.yaml'"),
        (["--config", "tiny.yaml", "--modle.rendered=3"], "--modle.rendered=3"),
        (["--config", "tiny.yaml", "--config", "wrong.yaml"], "'modle.rendered'"),
        (["--config", "tiny.yaml"], "data.root"),
        (["--config", "tiny.yaml", "--data.root", "nowhere"], "nowhere"),
        (["--config", "tiny.yaml", "--trainer.max_epochs=x"], "Expected a <class 'int'>"),
        (["--config", "tiny.yaml", "--data.root=x", "--ckpt_path=x.ckpt"], "no such file"),
    ],
    ids=["config", "option", "key", "required", "folder", "type", "checkpoint"],
)
def test_a_mistake_is_told_in_one_message(
    tiny: str, capsys: pytest.CaptureFixture[str], args: list[str], said: str
) -> None:
    Path("wrong.yaml").write_text("modle: {rendered: 3}")
    assert said in refused(capsys, "fit", *args)


def test_an_interrupt_has_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop, one_message("fit"):
        raise KeyboardInterrupt
    assert stop.value.code == 130
    assert capsys.readouterr().err == "talkface fit: interrupted\n"


def test_generate_told_to_end_ends_as_after_an_interrupt(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("talkface.render.cli.run", lambda _: signal.raise_signal(signal.SIGTERM))
    try:
        with pytest.raises(SystemExit) as stop:
            main(["generate", "--checkpoint", "a.ckpt", "--identity", "b.png", "--output", "c.mp4"])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert stop.value.code == 130
    assert capsys.readouterr().err == "talkface generate: interrupted\n"


def test_a_value_that_a_constructor_refuses_is_told_in_one_message(
    tiny: str, prepared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, "fit", "--config", tiny, f"--data.root={prepared}", "--data.frames=0")
    assert "`data.frames` is 0; use at least 1" in said


@pytest.mark.parametrize("content", [b"", b"just text", b"PK\x03\x04 cut short"])
def test_a_file_that_is_no_checkpoint_is_told_before_anything_is_built(
    tiny: str, prepared: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    Path("bad.ckpt").write_bytes(content)
    args = ["--config", tiny, f"--data.root={prepared}", "--ckpt_path=bad.ckpt"]
    assert "bad.ckpt is not a usable checkpoint" in refused(capsys, "test", *args)


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing: dict[str, str] = {}
    monkeypatch.setattr("talkface.cli.command.train", lambda args: nothing["missing"])
    with pytest.raises(KeyError, match="missing"):
        main(["fit"])


def test_messages_of_a_union_are_cut_to_their_reason() -> None:
    message = """Parser key "data.augment":
  Does not validate against any of the Union subtypes
  Subtypes: [<class 'Augment'>, <class 'NoneType'>]
  Errors:
    - Problem with given class_path 'talkface.data.augment.Augment':
        Option 'rotation' is not accepted
    - Expected a <class 'NoneType'>
  Given value type: <class 'dict'>"""
    assert shortened(message) == "Parser key \"data.augment\": Option 'rotation' is not accepted"


def test_the_cause_of_an_error_may_be_the_one_for_users() -> None:
    wrapped = ValueError("a long story")
    wrapped.__cause__ = ConfigNotFoundError("lrv.yaml")
    assert str(message_for_users(wrapped)).startswith("No config 'lrv.yaml'")
    assert message_for_users(ValueError("a bug")) is None


# -- runs -------------------------------------------------------------------------------------


def test_a_run_is_named_after_its_configs() -> None:
    assert run_name([Path("configs/lrw.yaml"), Path("ablations/no_sync.yaml")]) == "lrw+no_sync"
    assert run_name([Path("runs/lrw-2/config.yaml")]) == "lrw-2"
    assert run_name([]) == "run"


def test_a_folder_in_use_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for expected in ("lrw", "lrw-2", "lrw-3"):
        folder = run_folder("lrw", "fit", None)
        assert folder == Path("runs") / expected
        make_folder(folder).joinpath("config.yaml").touch()


def test_results_of_a_checkpoint_land_in_its_run(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").touch()
    checkpoint = tmp_path / "checkpoints" / "last.ckpt"
    assert run_folder("lrw", "test", checkpoint) == tmp_path / "test"
    assert run_folder("lrw", "test", Path("elsewhere.ckpt")) == Path("runs/lrw/test")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError, match="default_root_dir"):
        make_folder(tmp_path / "file" / "run")


def test_wandb_is_offline_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setattr("wandb.login", lambda **_: False)
    assert choose_mode(Wandb()) == "offline"
    assert choose_mode(Wandb(mode="online")) == "offline"
    monkeypatch.setattr("wandb.login", lambda **_: True)
    assert choose_mode(Wandb()) == "online"
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert choose_mode(Wandb()) == "disabled"
    assert choose_mode(Wandb(mode="offline")) == "offline"


def test_training_goes_on_when_wandb_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**_: object) -> None:
        raise RuntimeError("no service")

    monkeypatch.setattr("wandb.init", broken)
    assert start_wandb(tmp_path, "run", Wandb(mode="offline")) is None
    assert "no service" in caplog.text
    (logger,) = make_loggers(tmp_path, "run", Wandb(mode="offline"))
    assert isinstance(logger, CSVLogger)


@pytest.mark.slow
def test_wandb_keeps_a_run_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_MODE", raising=False)
    logger = start_wandb(tmp_path, "run", Wandb(mode="offline"))
    assert isinstance(logger, WandbLogger)
    logger.log_metrics({"train/pixel": 1.0}, step=1)
    logger.experiment.finish()
    assert list(tmp_path.rglob("*.wandb"))


# -- the whole way ----------------------------------------------------------------------------


def test_fit_then_test_leave_a_run_that_can_be_read(
    tiny: str, prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True}, raising=False)
    main(["fit", "--config", tiny, f"--data.root={prepared}", "--trainer.precision=bf16-mixed"])
    run = Path("runs/tiny")
    saved = yaml.safe_load((run / "config.yaml").read_text())
    assert saved["trainer"]["precision"] == "32-true"  # as this processor has no bfloat16
    assert saved["data"]["resolution"] == 64
    assert "train/pixel" in (run / "metrics.csv").read_text()
    last = run / "checkpoints" / "last.ckpt"
    content = torch.load(last, weights_only=True)
    assert content["hyper_parameters"]["resolution"] == 64

    main(["test", "--config", tiny, f"--data.root={prepared}", f"--ckpt_path={last}"])
    assert (run / "test" / "config.yaml").is_file()
    table = json.loads((run / "test" / "table.json").read_text())
    assert list(table["rows"]) == ["truth", "copy", "audio", "video"]
    assert table["rows"]["truth"]["ssim"]["value"] == pytest.approx(1.0)
    assert table["rows"]["copy"]["mouth_gain"]["value"] == 0.0
    assert table["protocol"]["clips"] == 1
    assert (run / "test" / "strip.png").is_file()

    main(["predict", "--config", tiny, f"--data.root={prepared}", f"--ckpt_path={last}"])
    for row in ("truth", "audio", "video"):
        frames = read_video(run / "predict" / row / "s1" / "clip5.mp4", FPS)
        sound = read_audio(run / "predict" / row / "s1" / "clip5.mp4", SAMPLE_RATE)
        assert abs(len(frames) - len(sound) * FPS / SAMPLE_RATE) <= 1
        assert len(frames) == table["protocol"]["frames"]


def test_a_checkpoint_of_another_resolution_is_told(
    tiny: str, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"state_dict": {}, "hyper_parameters": {"resolution": 64}}, "other.ckpt")
    args = ["--config", tiny, "--data.root=x", "--data.resolution=128", "--ckpt_path=other.ckpt"]
    assert "Add --data.resolution=64" in refused(capsys, "test", *args)
