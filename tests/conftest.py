"""Fixtures for all tests."""

import os
from pathlib import Path

import pytest

from tests import fakes

os.environ.setdefault("TALKFACE_OPS", "reference")  # also of processes; tests/ops asks for both


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small prepared corpus: six clips of 40 frames at 64 px, three words. Do not write to it."""
    return fakes.corpus(tmp_path_factory.mktemp("prepared"))
