from pathlib import Path

import pytest

from talkface.faces import LandmarkDetector
from talkface.render import api, inputs
from tests.render.fakes import FakeDetector, FakeModel, write_picture


@pytest.fixture
def model() -> FakeModel:
    return FakeModel()


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> FakeDetector:
    """What every landmark backend becomes in the test."""
    fake = FakeDetector()

    def build(name: str, task: Path | None, device: str) -> LandmarkDetector:
        return fake

    monkeypatch.setattr(inputs, "build_detector", build)
    return fake


@pytest.fixture
def face(tmp_path: Path) -> Path:
    return write_picture(tmp_path / "face.png")


@pytest.fixture
def checkpoint(monkeypatch: pytest.MonkeyPatch, model: FakeModel, tmp_path: Path) -> Path:
    """A checkpoint that loads as the fake model."""

    def load(path: Path, device: str) -> FakeModel:
        return model

    monkeypatch.setattr(api, "load_model", load)
    return tmp_path / "last.ckpt"
