import logging
import shutil
from pathlib import Path

import pytest

from data_prep.__main__ import main
from talkface.data.windows import WindowDataset


def test_the_command_packs_a_corpus(
    prepared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    command = ["shards", f"--source={prepared}", f"--output={tmp_path}", "--shard-size=0.2MB"]
    with caplog.at_level(logging.INFO):
        assert main(command) == 0
    assert "6 clips in 6 shards written and 0 kept" in caplog.text
    assert len(WindowDataset(tmp_path, "train")) == 4


def test_what_is_left_out_shows_in_the_status(
    prepared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = Path(shutil.copytree(prepared, tmp_path / "folder"))
    (source / "clips" / "s0" / "clip0.npz").unlink()
    assert main(["shards", f"--source={source}", f"--output={tmp_path / 'shards'}"]) == 1
    assert "left out s0/clip0" in caplog.text
    assert "s0/clip0" in (tmp_path / "shards" / "skipped.jsonl").read_text()


def test_a_size_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["shards", "--source=a", "--output=b", "--shard-size=big"])
    assert "'big' is no size; write 1GB" in capsys.readouterr().err
