"""What is tested of an operation is tested of its native twin."""

import shutil
import time
from pathlib import Path

import pytest

from talkface.ops import backend, build


@pytest.fixture(scope="session")
def library() -> Path:
    """The native operations, built once per machine."""
    if shutil.which("c++") is None:
        pytest.skip("no C++ compiler: native operations are not tested")
    start = time.perf_counter()
    file = build.library("cpu")
    if (seconds := time.perf_counter() - start) > 1:
        print(f"native operations were built in {seconds:.0f} s")  # noqa: T201
    return file


@pytest.fixture
def native(library: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Native operations are loaded, and used."""
    monkeypatch.setenv(backend.SETTING, "native")
    assert backend.is_chosen("cpu")
    return library


@pytest.fixture
def each_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Operations of the way that the test names."""
    way: str = request.param
    if way == "native":
        request.getfixturevalue("library")
    monkeypatch.setenv(backend.SETTING, way)
    return way
