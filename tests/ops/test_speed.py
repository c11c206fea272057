import logging

import pytest

from talkface.ops.speed import main


@pytest.mark.usefixtures("native")
def test_both_ways_are_timed_for_every_operation_and_layout(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        assert main(["--sides", "16", "--frames", "1", "--repeats", "0", "--threads", "1"]) == 0
    rows = [record.getMessage().split() for record in caplog.records][2:]
    names = ("filter", "double", "activation", "convolution")
    assert [row[0] for row in rows] == [name for name in names for _ in range(2)]
    assert all(float(cell) > 0 for row in rows for cell in row[4:])
