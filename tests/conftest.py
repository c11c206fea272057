"""Fixtures for all tests."""

from pathlib import Path

import pytest

from tests import fakes


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small prepared corpus: six clips of 40 frames at 64 px, three words. Do not write to it."""
    return fakes.corpus(tmp_path_factory.mktemp("prepared"))
