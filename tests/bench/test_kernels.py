import shutil

import pytest

from talkface.bench.kernels import milliseconds
from talkface.ops.backend import SETTING


@pytest.mark.skipif(shutil.which("c++") is None, reason="no compiler")
def test_both_ways_of_every_operation_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "native")
    found = list(milliseconds([16]))
    names = ("filter", "double", "activation", "convolution")
    assert [name for name, _, _ in found] == [f"{name}, 16 px" for name in names]
    assert min(min(native, reference) for _, native, reference in found) > 0


def test_nothing_is_compared_where_nothing_is_native(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "reference")
    assert list(milliseconds([16])) == []
