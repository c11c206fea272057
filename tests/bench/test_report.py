import json
import logging
from pathlib import Path

import pytest

from talkface.bench.report import Figure, Report

FIGURES = [
    Figure("step", "render", 40.0, "ms", 0.25),
    Figure("step", "memory", 900.0, "MB"),
    Figure("generator", "64 px", 120.0, "frames/s", 3.0),
]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "talkface.bench")
    return caplog


def test_figures_are_kept_with_what_the_machine_is(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "bench.json"
    Report("demo.yaml", FIGURES).save(path)
    kept = json.loads(path.read_text())
    assert [one["name"] for one in kept["figures"]] == ["render", "memory", "64 px"]
    assert kept["machine"]["cpus"] >= 1
    assert kept["machine"]["torch"]


def test_ratios_are_shown_beside_those_of_the_run_before(
    tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "bench.json"
    Report("demo.yaml", FIGURES).save(path)
    Report("demo.yaml", [Figure("generator", "64 px", 90.0, "frames/s", 2.5)]).show(path)
    assert "90.0 frames/s" in log.text
    assert "2.50  (3.00)" in log.text


@pytest.mark.parametrize("kept", ["nothing", "another config", "damaged"])
def test_a_run_that_does_not_compare_is_left_out(
    tmp_path: Path, log: pytest.LogCaptureFixture, kept: str
) -> None:
    path = tmp_path / "bench.json"
    if kept == "another config":
        Report("grid.yaml", FIGURES).save(path)
    if kept == "damaged":
        path.write_text('{"figures": 3}')
    Report("demo.yaml", FIGURES).show(path)
    assert "(" not in log.text.replace("cannot be compared with", "")
    assert ("cannot be compared" in log.text) == (kept == "damaged")
