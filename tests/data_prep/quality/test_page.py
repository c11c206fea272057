import dataclasses
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from data_prep.__main__ import main
from data_prep.quality.charts import counts, places, worst
from data_prep.quality.measure import Quality
from data_prep.quality.page import read_skipped
from data_prep.quality.table import read_table, write_table
from tests.report.test_report import CHROMIUM, Page

HOSTILE = "<script>alert('x')</script>"


def row(name: str, split: str = "train", **figures: float | str) -> Quality:
    return Quality(name, split, 40, 1.6, **figures)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def written(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page on a corpus with a small face, a damaged clip and a name that would be markup."""
    root = Path(shutil.copytree(prepared, tmp_path_factory.mktemp("page") / "corpus"))
    command = ["quality", str(root), "--workers=0"]
    assert main(command) == 0
    rows = read_table(root)
    small = dataclasses.replace(rows["s0/clip0"], face=5.0)
    write_table(root, {**rows, small.id: small}.values())
    (root / "clips" / "s0" / "clip4.jpgs").write_bytes(b"")
    (root / "skipped.jsonl").write_text(json.dumps({"id": "a", "reason": HOSTILE}) + "\nno line\n")
    assert main([*command, "--least-face=6"]) == 0
    return root / "quality.html"


def test_the_page_names_what_is_left_out_and_why(written: Path) -> None:
    page = Page(written.read_text())
    assert not page.open
    assert "Limits: least face 6. Left out for face: 1." in page.text
    assert "left out: face 5 below 6" in page.text
    assert "Skipped by preparation 1" in page.text


def test_the_page_holds_all_that_it_shows_and_runs_nothing(written: Path) -> None:
    page = Page(written.read_text())
    assert "script" not in page.tags
    assert HOSTILE in page.text
    assert all(link.startswith(("data:", "#")) for link in page.links)
    anchors = set(re.findall(r'id="([^"]+)"', written.read_text()))
    assert {link[1:] for link in page.links if link.startswith("#")} <= anchors


def test_a_clip_without_pictures_is_on_the_sheet_without_them(written: Path) -> None:
    text = written.read_text()
    assert text.count('<article class="card') == 6
    assert text.count('alt="Four frames of') == 5


def test_counts_tell_splits_from_what_is_left_out() -> None:
    rows = [
        row("a", speaker="x", words="b b c"),
        row("b", speaker="x", words="c"),
        row("c", "val", speaker="y"),
    ]
    found = counts(rows, {"b": "late"})
    assert found == {
        "Speakers": {"x": {"train": 1, "left out": 1}, "y": {"val": 1}},
        "Words": {"c": {"train": 1, "left out": 1}, "b": {"train": 1}},
    }
    assert places(rows, {"b": "late"}) == {"train": 1, "val": 1, "left out": 1}


def test_the_worst_are_far_out_of_step_either_way_blurred_and_trembling() -> None:
    rows = [
        row("a", offset=-9.0, sharpness=0.5, jitter=0.1),
        row("b", offset=3.0, sharpness=0.1, jitter=0.2),
        row("c", offset=0.0, sharpness=0.4, jitter=0.9),
        row("d"),
    ]
    assert worst(rows, 1) == {"a": ["offset"], "b": ["sharpness"], "c": ["jitter"]}


def test_no_list_of_what_was_skipped_is_an_empty_one(tmp_path: Path) -> None:
    assert read_skipped(tmp_path) == []


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
@pytest.mark.parametrize("width", [420, 1400])
def test_a_browser_opens_the_page_without_a_complaint(
    written: Path, tmp_path: Path, width: int
) -> None:
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    places = [f"--user-data-dir={tmp_path}", f"--window-size={width},900", "--dump-dom"]
    done = subprocess.run(
        [str(CHROMIUM), *options, *places, written.as_uri()],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "CONSOLE" not in done.stderr
    assert Page(done.stdout).tags.count("article") == 6
