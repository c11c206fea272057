import shutil

import pytest

from talkface.bench.kernels import milliseconds
from talkface.ops.backend import SETTING


@pytest.mark.skipif(shutil.which("c++") is None, reason="no compiler")
def test_both_ways_of_every_operation_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "native")
    found = list(milliseconds([16]))
    assert [name for name, _, _ in found] == ["filter, 16 px", "double, 16 px", "activation, 16 px"]
    assert min(min(native, reference) for _, native, reference in found) > 0


def test_nothing_is_compared_where_nothing_is_native(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "reference")
    assert list(milliseconds([16])) == []
