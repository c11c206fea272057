import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from data_prep import rendered
from data_prep.__main__ import main
from data_prep.corpora import CorpusError
from data_prep.puppets import FaceSettings, PuppetSettings
from data_prep.splits import People
from talkface.data.layout import read_corpus, read_manifest
from talkface.data.portrait_layout import read_entries, read_portraits
from tests.data_prep.trees import face_tree, lrw_tree, write_speaker


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rendering replaced by drawing, in the same folders."""

    def write(root: Path, settings: PuppetSettings, on_clip: Callable[[int, int], None]) -> None:
        on_clip(0, 8)
        for done, path in enumerate(sorted(lrw_tree(root).rglob("*.mp4"))):
            write_speaker(path, speaker=f"p{settings.seed}", word_start=0.3, word_end=0.8)
            on_clip(done + 1, 8)

    monkeypatch.setattr(rendered, "write_corpus", write)


@pytest.mark.usefixtures("drawn")
def test_puppets_are_rendered_then_prepared_by_the_reader_of_lrw(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["puppets", f"--output={tmp_path}", "--side=64", "--workers=0", "--seed=3"]) == 0
    assert read_corpus(tmp_path).name == "puppets"
    record = read_manifest(tmp_path, "test")[0]
    assert (record.speaker, record.words[0].start) == ("p3", 0.3)
    assert record.source.startswith(str(tmp_path / "raw"))
    assert "rendering: 100%" in capsys.readouterr().err


@pytest.mark.usefixtures("drawn")
def test_puppets_of_other_settings_are_never_mixed(tmp_path: Path) -> None:
    settings = PuppetSettings(identities=5)
    rendered.render_puppets(tmp_path, settings)
    rendered.render_puppets(tmp_path, replace(settings, workers=7))
    with pytest.raises(CorpusError, match=r"made with \{'identities': 5\}, now .*: 6\}"):
        rendered.render_puppets(tmp_path, replace(settings, identities=6))
    assert json.loads((tmp_path / "raw" / "puppets.json").read_text())["identities"] == 5


def test_settings_without_sense_are_one_clear_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert main(["puppets", f"--output={tmp_path}", "--raw-side=50"]) == 1
    assert len(caplog.records) == 1


SMALL = FaceSettings(identities=3, unseen_identities=1, pictures=3, unseen_pictures=2, side=32)


@pytest.fixture
def photographed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rendering of portraits replaced by drawing, in the same folders."""

    def write(
        root: Path,
        _settings: FaceSettings,
        counts: dict[str, int],
        _workers: int,
        on_pictures: Callable[[int], None],
    ) -> None:
        face_tree(root, counts)
        on_pictures(sum(counts.values()))

    monkeypatch.setattr(rendered, "write_gallery", write)


@pytest.mark.usefixtures("photographed")
def test_puppet_faces_are_rendered_then_prepared_by_the_reader_of_folders(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = ["--identities=3", "--pictures=4", "--val=1", "--side=32", "--workers=0"]
    unseen = ["--unseen-identities=2", "--unseen-pictures=2"]
    with caplog.at_level("INFO"):
        assert main(["puppet-faces", f"--output={tmp_path}", *options, *unseen]) == 0
    assert "5 people prepared, 0 kept from before, 0 skipped" in caplog.text
    corpus = read_portraits(tmp_path)
    assert (corpus.name, corpus.side, len(corpus.people)) == ("puppet-faces", 32, 3)
    sizes = {
        split: [len(entry.spans) for entry in read_entries(tmp_path, split)]
        for split in ("train", "val", "unseen")
    }
    assert sizes == {"train": [3, 3, 3], "val": [1, 1, 1], "unseen": [2, 2]}


@pytest.mark.usefixtures("photographed")
def test_puppet_faces_of_other_settings_are_never_mixed(tmp_path: Path) -> None:
    rendered.render_faces(tmp_path, SMALL, People(1, 1), workers=0)
    with pytest.raises(CorpusError, match=r"made with \{'pictures': 3\}, now .*: 5\}"):
        rendered.render_faces(tmp_path, replace(SMALL, pictures=5), People(1, 1), workers=0)


def test_too_few_puppet_faces_for_the_split_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"get 2 pictures, but 2 .*Raise `--pictures`"):
        rendered.render_faces(tmp_path, SMALL, People(1, 2), workers=0)
