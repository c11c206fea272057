"""Fixtures of trainings that are killed."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def survivor() -> Iterator[Any]:
    """The module, by a name that processes find: another package may be called ``tests``, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        yield importlib.import_module("survivor")
