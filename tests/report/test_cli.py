import argparse
import csv
import logging
from pathlib import Path

import pytest

from talkface.metrics.table import TableNotFoundError
from talkface.report.cli import add_arguments, run
from talkface.report.errors import EntryError, ReportError, UnknownRowError
from talkface.report.table1 import Entry, join_tables
from tests.report.fakes import psnr, write_run


def talkface_report(*words: str) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    run(parser.parse_args(words))


def test_runs_become_a_report_and_notes_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    runs = [write_run(tmp_path / name, curves={}) for name in ("a", "b")]
    output = tmp_path / "new" / "report"
    with caplog.at_level(logging.INFO):
        talkface_report(*map(str, runs), "--output", str(output), "--title", "T", "--base", "b")
    assert (output / "report.md").read_text().startswith("# T\n\n## What differs from b")
    assert "has curves only" in caplog.text
    assert str(output / "index.html") in caplog.text


@pytest.mark.parametrize("words", [[], ["run", "--table1", "a=b:c"]])
def test_either_runs_or_a_table_is_asked_for(words: list[str]) -> None:
    with pytest.raises(ReportError, match="Give runs"):
        talkface_report(*words)


def test_table_1_joins_tests_of_several_corpora(tmp_path: Path) -> None:
    both = {**psnr(26, 28), **psnr(30, 32, row="video"), **psnr(20, 22, row="copy")}
    lrw = write_run(tmp_path / "lrw", both, protocol={"corpus": "lrw", "clips": 2})
    grid = write_run(tmp_path / "grid", psnr(40, 40, row="video"), protocol={"corpus": "grid"})
    talkface_report(
        *("--output", str(tmp_path / "out"), "--table1"),
        *(f"By sound={lrw}/test:audio", f"GRID={grid}:video", f"By video={lrw}:video"),
    )
    lines = (tmp_path / "out" / "table1.md").read_text().splitlines()
    assert lines[2:6] == [
        "| lrw, copy (identity frame repeated) | 21.00 ± 1.96 |",
        "| By sound | 27.00 ± 1.96 |",
        "| By video | 31.00 ± 1.96 |",
        "| GRID | 40.00 ± 0.00 |",
    ]
    assert r"By sound & $27.00 \pm 1.96$ \\" in (tmp_path / "out" / "table1.tex").read_text()
    with (tmp_path / "out" / "table1.csv").open(newline="") as file:
        assert [float(line["value"]) for line in csv.DictReader(file)] == [21, 27, 31, 40]


def test_the_truth_of_the_same_clips_stands_in_table_1_once(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_run(tmp_path / name, {**psnr(26, 28), **psnr(20, 22, row="copy")})
    write_run(tmp_path / "c", {**psnr(26, 28), **psnr(20, 23, row="copy")})
    joined = join_tables([Entry(name, tmp_path / name, "audio") for name in "abc"])
    copy = "puppets, copy (identity frame repeated)"
    assert [joined.title(row) for row in joined.rows()] == [copy, "a", "b", copy, "c"]


@pytest.mark.parametrize("text", ["no equals", "=folder:row", "title=folder", "title=:row"])
def test_an_entry_that_cannot_be_read_is_shown_with_an_example(text: str) -> None:
    with pytest.raises(EntryError, match="TITLE=FOLDER:ROW"):
        Entry.parse(text)


def test_an_entry_may_hold_colons_in_its_folder() -> None:
    assert Entry.parse("A = B=C:/runs:audio") == Entry("A", Path(" B=C:/runs"), "audio")


def test_an_entry_without_a_test_or_row_is_an_error(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "lrw", psnr(20))
    with pytest.raises(UnknownRowError, match=r"No row 'video'.*audio"):
        join_tables([Entry("A", folder, "video")])
    with pytest.raises(TableNotFoundError, match=r"neither a table\.json"):
        join_tables([Entry("A", tmp_path / "other", "audio")])
