import logging
from pathlib import Path

import pytest

from talkface.data.datamodule import TalkFaceData
from talkface.data.speed import main, measure


def test_windows_are_counted_over_epochs(prepared: Path) -> None:
    data = TalkFaceData(prepared, batch_size=3, workers=0)
    data.setup("fit")
    speed = measure(data, 0.2)
    assert speed.windows >= 6  # more than the one batch of an epoch
    assert speed.windows % 3 == 0
    assert speed.seconds >= 0.2
    assert speed.rate == speed.windows / speed.seconds


def test_the_command_compares_with_a_step(
    prepared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = tmp_path / "some.yaml"
    config.write_text("model: {any: thing}\ndata: {root: nowhere, frames: 12, augment: {hue: 0.0}}")
    arguments = [f"--config={config}", f"--data.root={prepared}", "--data.workers=0"]
    with caplog.at_level(logging.INFO):
        assert main([*arguments, "--seconds=0.1", "--step=1000"]) == 0
        assert main([*arguments, "--seconds=0.1", "--step=0.000001"]) == 0
        assert main([f"--config={config}"]) == 1
    assert "windows of 12 frames at 64 px" in caplog.text
    assert "enough." in caplog.text
    assert "use more `data.workers`." in caplog.text
    assert "No prepared corpus under nowhere" in caplog.text
