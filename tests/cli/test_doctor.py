"""What is looked at before a training starts."""

import logging
import shutil
from pathlib import Path

import pytest

from talkface.cli import main
from talkface.cli.findings import devices, disk, writing
from talkface.data.layout import read_manifest, stored_files
from talkface.models import AudioEncoder
from tests.test_cli import TINY


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "disabled")
    (tmp_path / "tiny.yaml").write_text(TINY)
    return "tiny.yaml"


def lines(caplog: pytest.LogCaptureFixture) -> dict[str, str]:
    """Level by check."""
    told = [r.getMessage().split() for r in caplog.records if r.name.startswith("talkface.cli.doc")]
    return {words[1]: words[0] for words in told}


def test_a_config_that_can_train_is_told_what_it_will_take(
    tiny: str, prepared: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("talkface.cli.trial.SECONDS", 0.0)
    monkeypatch.setattr("talkface.cli.trial.READING", 0.1)
    caplog.set_level(logging.INFO)
    main(["doctor", "--config", tiny, f"--data.root={prepared}"])
    found = lines(caplog)
    names = ["devices", "precision", "writing", "model", "disk", "W&B", "data", "clips", "memory"]
    assert list(found) == [*names, "step", "loading", "duration"]
    assert {name for name, level in found.items() if level != "ok"} <= {"devices", "loading"}
    assert "4 train, 1 val, 1 test clips" in caplog.text
    assert "1 epochs, 2 steps: 0.0 h" in caplog.text
    assert not Path("runs").exists()


def test_all_that_is_wrong_is_told_at_once(
    tiny: str, prepared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    caplog.set_level(logging.INFO)
    with pytest.raises(SystemExit) as stop:
        main(["doctor", "--config", tiny, "--data.root=nowhere", "--trainer.accelerator=gpu",
              "--trainer.devices=4"])  # fmt: skip
    assert stop.value.code == 2
    assert {n for n, level in lines(caplog).items() if level == "error"} == {"devices", "model"}
    assert "4 GPUs are wanted" in caplog.text
    assert "nowhere" in caplog.text
    assert "would not start: devices, model" in capsys.readouterr().err


def test_a_damaged_clip_is_found_before_the_training(
    tiny: str, prepared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = shutil.copytree(prepared, tmp_path / "damaged")
    for record in read_manifest(damaged, "val"):
        for file in stored_files(damaged, record.id).values():
            file.write_bytes(b"")
    with pytest.raises(SystemExit):
        main(["doctor", "--config", tiny, f"--data.root={damaged}"])
    assert lines(caplog)["clips"] == "error"


def test_a_disk_that_is_too_small_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil._ntuple_diskusage
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 5, 5))
    assert disk(AudioEncoder(width=8), [], None).level == "error"


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert writing(tmp_path / "new").level == "ok"
    assert writing(Path("/proc/self/new")).level == "error"


def test_a_processor_is_enough_for_small_models_only() -> None:
    found = devices({"accelerator": "cpu", "devices": 1})
    assert found.level == "warning"
