import logging
import shutil
from pathlib import Path

import pytest

from data_prep.__main__ import main
from data_prep.quality.measure import Quality
from data_prep.quality.table import TABLE, read_table, write_table
from talkface.data.layout import LayoutError, read_manifest


@pytest.fixture
def corpus(prepared: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(prepared, tmp_path / "corpus"))


def quality(root: Path, *options: str) -> int:
    return main(["quality", str(root), "--workers=0", *options])


def test_the_table_has_every_clip_and_comes_back_as_it_was(corpus: Path) -> None:
    assert quality(corpus) == 0
    rows = read_table(corpus)
    assert list(rows) == [
        record.id for split in ("train", "val", "test") for record in read_manifest(corpus, split)
    ]
    text = (corpus / TABLE).read_text()
    write_table(corpus, rows.values())
    assert (corpus / TABLE).read_text() == text


def test_folder_and_shards_have_the_same_figures(corpus: Path, tmp_path: Path) -> None:
    shards = tmp_path / "shards"
    assert main(["shards", f"--source={corpus}", f"--output={shards}"]) == 0
    assert quality(corpus) == quality(shards) == 0
    assert (corpus / TABLE).read_text() == (shards / TABLE).read_text()


def test_a_damaged_clip_is_named_and_measured_again_once_it_is_mended(
    corpus: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = corpus / "clips" / "s0" / "clip0.npz"
    content = path.read_bytes()
    path.write_bytes(b"PK")
    assert quality(corpus) == 1
    assert "damaged s0/clip0" in caplog.text
    assert "clip0.npz is missing or damaged" in read_table(corpus)["s0/clip0"].problem
    path.write_bytes(content)
    assert quality(corpus) == 0


def test_what_is_measured_is_kept_unless_asked_for_again(
    corpus: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert quality(corpus) == 0
    first = (corpus / TABLE).read_text()
    shutil.rmtree(corpus / "clips")
    with caplog.at_level(logging.INFO):
        assert quality(corpus) == 0
    assert (corpus / TABLE).read_text() == first
    assert quality(corpus, "--again") == 1


def test_a_table_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / TABLE).write_text("a,b\n1,2\n")
    with pytest.raises(LayoutError, match="Delete it, and measure again"):
        read_table(tmp_path)


@pytest.mark.slow
def test_processes_find_what_one_finds(corpus: Path) -> None:
    assert quality(corpus) == 0
    alone: dict[str, Quality] = read_table(corpus)
    assert main(["quality", str(corpus), "--again", "--workers=2"]) == 0
    assert read_table(corpus) == alone
