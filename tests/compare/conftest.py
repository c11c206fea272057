"""Folders of small talking faces."""

from pathlib import Path

import pytest

from talkface.compare import settings, view
from tests.compare import fakes


@pytest.fixture
def spots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every detector be one that finds drawn faces, in pictures as small as they are."""
    monkeypatch.setattr(settings, "build_detector", lambda *_: fakes.Spots())
    monkeypatch.setattr(view, "SIDE", 0)


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Two true clips in ``real``, and the same under other suffixes in ``same``."""
    for name, openings in (("a/one", fakes.SPEECH), ("b/two.x", fakes.SPEECH[::-1])):
        fakes.write(tmp_path / "real" / f"{name}.mp4", fakes.talking(openings))
        copy = tmp_path / "same" / f"{name}.mov"
        copy.parent.mkdir(parents=True)
        copy.write_bytes((tmp_path / "real" / f"{name}.mp4").read_bytes())
    return tmp_path
