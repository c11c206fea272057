"""A working folder in which nothing is trained."""

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from talkface.ablate.cli import add_arguments, run
from tests.ablate.fakes import fake_python

Ablate = Callable[..., None]


@pytest.fixture
def ablate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ablate:
    """``talkface ablate`` with these arguments, in a folder of its own, with a fake ``python``."""
    monkeypatch.chdir(tmp_path)
    fake_python(monkeypatch, tmp_path)

    def call(*args: str) -> None:
        parser = argparse.ArgumentParser("talkface ablate")
        add_arguments(parser)
        run(parser.parse_args(args))

    return call
