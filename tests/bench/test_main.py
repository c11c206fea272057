import json
import logging
from pathlib import Path

import pytest

from talkface.bench import __main__ as bench
from talkface.bench.generators import Size
from talkface.bench.step import REST
from tests.test_cli import TINY


def test_a_machine_is_measured_and_the_parts_of_a_step_add_up(
    prepared: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bench, "SIZES", [Size(64, 128, 8, 2)])
    monkeypatch.setattr("talkface.bench.loaders.SECONDS", 0.1)
    caplog.set_level(logging.INFO, "talkface.bench")
    Path("tiny.yaml").write_text(TINY)
    given = ["--config=tiny.yaml", f"--data.root={prepared}", "--data.windows_per_clip=8"]
    assert bench.main([*given, "--steps=2", "--output=bench.json"]) == 0
    figures = json.loads(Path("bench.json").read_text())["figures"]
    parts = {one["name"]: one for one in figures if one["unit"] == "ms"}
    assert {"render", "encode the video", "backward, generator", REST} <= parts.keys()
    assert min(one["value"] for one in parts.values()) >= 0
    shares = [one["ratio"] for name, one in parts.items() if name != "wait for a batch"]
    assert sum(shares) == pytest.approx(1)
    loaded = [one["name"] for one in figures if one["section"] == "loader"]
    assert loaded == ["windows that steps eat", "a folder, no worker", "shards, no worker"]
    assert "encode the video" in caplog.text
