"""Checkpoints are whole or not there, and never run code."""

import errno
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from talkface.cli.checkpoints import CheckpointError
from talkface.cli.storage import LAST, PREVIOUS, DurableIO, clean, is_whole, newest


def saved(folder: Path, number: int) -> Path:
    path = folder / LAST
    DurableIO().save_checkpoint({"state_dict": {"x": torch.full((1000,), number)}}, path)
    return path


def number(path: Path | None) -> int:
    assert path is not None
    return int(DurableIO().load_checkpoint(path)["state_dict"]["x"][0])


def test_the_newest_whole_checkpoint_is_found(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert newest(tmp_path) is None
    path = saved(tmp_path, 1)
    assert number(newest(tmp_path)) == 1
    saved(tmp_path, 2)
    assert number(newest(tmp_path)) == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == [LAST, PREVIOUS]
    assert not caplog.text
    path.write_bytes(path.read_bytes()[:-100])
    assert number(newest(tmp_path)) == 1
    assert f"{path} is damaged or was cut short" in caplog.text


def test_a_checkpoint_with_one_wrong_byte_is_not_whole(tmp_path: Path) -> None:
    path = saved(tmp_path, 1)
    assert is_whole(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert not is_whole(path)


@pytest.mark.parametrize("moment", ["written", "kept", "named"])
def test_a_kill_while_a_checkpoint_is_written_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    saved(tmp_path, 1)
    saved(tmp_path, 2)
    child = os.fork()
    if not child:

        def die(*_: Any) -> None:
            os._exit(9)

        where = {
            "written": ("torch.save", lambda _, file: (file.write(b"half"), os._exit(9))),
            "kept": ("talkface.cli.storage._keep", die),
            "named": ("talkface.data.durable.settle", die),
        }
        monkeypatch.setattr(*where[moment])
        saved(tmp_path, 3)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert number(newest(tmp_path)) == 2
    assert list(tmp_path.glob(".*.part"))
    clean(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [LAST, PREVIOUS]


def test_a_full_disk_leaves_the_checkpoint_before_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path, storage = saved(tmp_path, 1), DurableIO()

    def full(_: Any, file: Any) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full)
        storage.save_checkpoint({"state_dict": {}}, path)
    assert storage.failure == "No space left on device"
    assert "(No space left on device); the one before it stays. Training goes on." in caplog.text
    assert [p.name for p in tmp_path.iterdir()] == [LAST]
    assert number(path) == 1
    storage.save_checkpoint({"state_dict": {}}, path)
    assert storage.failure is None


def test_what_is_no_failure_of_the_disk_is_raised(tmp_path: Path) -> None:
    with pytest.raises((AttributeError, pickle.PicklingError)):
        DurableIO().save_checkpoint({"state_dict": lambda: None}, tmp_path / LAST)
    assert list(tmp_path.iterdir()) == []


class Code:
    """Runs a function of its own choice where it is un-pickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("ran",)


@pytest.mark.parametrize("weights_only", [None, False, True])
def test_code_in_a_checkpoint_is_told_and_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weights_only: bool | None
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    torch.save({"state_dict": {}, "more": Code()}, "evil.ckpt")
    with pytest.raises(CheckpointError, match=r"evil.ckpt .* reading posix.mkdir would run code"):
        DurableIO().load_checkpoint("evil.ckpt", weights_only=weights_only)
    assert not Path("ran").exists()
