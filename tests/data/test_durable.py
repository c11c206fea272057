import os
from pathlib import Path

import pytest

from talkface.data.durable import write_aside


def test_content_reaches_the_disk_before_its_name_and_folders_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[str] = []
    sync, replace = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        log.append("sync " + Path(f"/proc/self/fd/{descriptor}").readlink().name[:5])
        sync(descriptor)

    def rename(self: Path, target: Path) -> Path:
        log.append(f"rename {target.name}")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", rename)
    root = tmp_path / "root"
    root.mkdir()
    with write_aside(root / "outer" / "inner" / "name") as file:
        file.write(b"content")
    assert log == [
        *("sync root", "sync outer"),
        *("sync .name", "rename name", "sync inner"),
    ]


def test_a_file_system_that_cannot_sync_folders_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fsync

    def fsync(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink().is_dir():
            raise OSError(22, "Invalid argument")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with write_aside(tmp_path / "folder" / "name") as file:
        file.write(b"content")
    assert (tmp_path / "folder" / "name").read_bytes() == b"content"
