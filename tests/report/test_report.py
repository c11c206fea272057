import base64
import io
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from talkface.report.api import report
from talkface.report.comparison import compare
from talkface.report.errors import OutputError, ReportError, UnknownRowError
from talkface.report.page import duration
from talkface.report.runs import find_runs
from tests.report.fakes import psnr, write_pictures, write_run

HOSTILE = "<script>alert('x')</script>|$x_1$"
VOID = {"meta", "link", "img", "br"}
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)


class Page(HTMLParser):
    """What a page holds, and whether its elements close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href", "data"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of two arms, the second with a name that would be markup."""
    root = tmp_path_factory.mktemp("runs")
    truth = psnr(float("inf"), float("inf"), row="truth")
    base = write_run(root / "base", {**psnr(20, 22), **truth})
    other = write_run(
        root / "other",
        {**psnr(21, 23.5), **truth},
        config={"model": {"terms": {"pixel": None}}},
        protocol={"note": HOSTILE},
    )
    for folder, level in ((base, 10), (other, 90)):
        write_pictures(folder / "test", level=level)
    report([str(base), f"{HOSTILE}={other}"], root / "report", title=HOSTILE)
    return root / "report"


def test_all_files_are_there(written: Path) -> None:
    names = {"index.html", "report.md", "table.tex", "curves.svg", "bars.svg", "strips.png"}
    assert {path.name for path in written.iterdir()} == names
    for name in ("curves.svg", "bars.svg"):
        assert ElementTree.parse(written / name).getroot().tag.endswith("svg")


def test_the_page_is_well_formed_and_holds_everything_itself(written: Path) -> None:
    text = (written / "index.html").read_text()
    page = Page(text)
    assert page.open == []
    assert page.links
    assert all(link.startswith(("data:", "#")) for link in page.links)
    assert not re.findall(r"url\(|@import|<script", text)
    targets = set(re.findall(r' id="(\w+)"', text))
    assert {link[1:] for link in page.links if link.startswith("#")} == targets
    assert page.tags.count("video") == 2


def test_hostile_names_stay_text(written: Path) -> None:
    page = Page((written / "index.html").read_text())
    assert HOSTILE in page.text
    markdown = (written / "report.md").read_text()
    assert r"| \<script\>alert('x')\</script\>\|\$x\_1\$, audio-driven |" in markdown
    assert r"\$x\_1\$, audio-driven" in (written / "table.tex").read_text()


def test_tables_have_means_differences_and_marks(written: Path) -> None:
    page = Page((written / "index.html").read_text()).text
    assert "21.00 ± 1.96" in page
    assert "+1.25 ± 0.49 ▲" in page
    assert "model.terms.pixel Pixel(power: 2) null" in page
    markdown = (written / "report.md").read_text()
    assert "| **22.25 ± 2.45** |" in markdown
    assert "| +1.25 ± 0.49 ▲ |" in markdown
    latex = (written / "table.tex").read_text()
    assert r"\textbf{\boldmath $22.25 \pm 2.45$}" in latex
    assert r"ground truth & $\infty$ \\" in latex


def test_strips_show_the_truth_and_then_every_arm_at_the_same_moments(written: Path) -> None:
    with Image.open(written / "strips.png") as picture:
        lines = np.asarray(picture)[64::132, -64]
    assert lines[:, 0].tolist() == [200, 10, 90]


def test_a_picture_in_the_page_is_the_strip(written: Path) -> None:
    links = Page((written / "index.html").read_text()).links
    (uri,) = [link for link in links if link.startswith("data:image/jpeg")]
    shown = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    with Image.open(written / "strips.png") as picture:
        assert shown.size == picture.size


def test_a_run_without_a_test_is_shown_with_its_curves(tmp_path: Path) -> None:
    write_run(tmp_path / "a")
    report([str(tmp_path / "a")], tmp_path / "report")
    assert {path.name for path in (tmp_path / "report").iterdir()} == {
        *("index.html", "report.md", "curves.svg")
    }
    assert "has curves only: it was not tested" in (tmp_path / "report" / "index.html").read_text()


def test_a_base_without_a_test_leaves_no_differences(tmp_path: Path) -> None:
    write_run(tmp_path / "a")
    for name in ("b", "c"):
        write_run(tmp_path / name, psnr(20, 21))
    comparison = compare(find_runs([str(tmp_path)]), "title", base="a")
    assert [line.differences for line in comparison.lines] == [{}, {}]


def test_the_control_is_shown_when_asked_for_and_never_best(tmp_path: Path) -> None:
    for name, value in (("a", 20), ("b", 30)):
        figures = {**psnr(20, 21), **psnr(value, value, row="foreign")}
        write_run(tmp_path / name, figures)
    runs = find_runs([str(tmp_path)])
    assert compare(runs, "title").rows == ["audio"]
    chosen = compare(runs, "title", rows=["foreign"])
    assert [(line.row, line.best, line.differences) for line in chosen.lines] == [
        *[("foreign", set(), {})] * 2
    ]
    with pytest.raises(UnknownRowError, match=r"No row 'video'.*audio, foreign"):
        compare(runs, "title", rows=["video"])


def test_a_folder_that_is_no_report_is_left_alone(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a")
    with pytest.raises(OutputError, match="something other than a report"):
        report([str(run)], run)
    with pytest.raises(OutputError, match="it is a file"):
        report([str(run)], run / "config.yaml")


def test_the_same_runs_make_the_same_report(tmp_path: Path) -> None:
    write_run(tmp_path / "a", psnr(20, 21), curves={})
    pages = []
    for _ in range(2):
        report([str(tmp_path / "a")], tmp_path / "report")
        pages.append((tmp_path / "report" / "index.html").read_bytes())
    assert pages[0] == pages[1]


def test_nothing_to_show_is_an_error_for_users() -> None:
    with pytest.raises(ReportError):
        report(["nowhere"], Path("report"))


def test_durations_are_words() -> None:
    found = [duration(seconds) for seconds in (None, 95.0, 3600 * 2 + 180.0)]
    assert found == ["unknown", "2 min", "2 h 03 min"]


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
@pytest.mark.parametrize("width", [420, 1400])
def test_a_browser_opens_the_page_without_a_complaint(
    written: Path, tmp_path: Path, width: int
) -> None:
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    places = [f"--user-data-dir={tmp_path}", f"--window-size={width},900", "--dump-dom"]
    page = (written / "index.html").as_uri()
    done = subprocess.run(
        [str(CHROMIUM), *options, *places, page], capture_output=True, text=True, check=True
    )
    assert "CONSOLE" not in done.stderr
    assert Page(done.stdout).tags.count("video") == 2
