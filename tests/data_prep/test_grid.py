from pathlib import Path

import pytest

from data_prep.corpora import ClipError, CorpusError, GridCorpus
from data_prep.corpora.grid import read_align
from talkface.data.layout import WordSpan
from tests.data_prep.trees import ALIGN, grid_tree


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(ALIGN.format("bin"))


def test_times_are_seconds_and_silence_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "x.align"
    path.write_text("0 17750 sil\n17750 22500 bin\n22500 23000 sp\n\n27000 28000 at\n")
    assert read_align(path) == (WordSpan("bin", 0.71, 0.9), WordSpan("at", 1.08, 1.12))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0 100 sil\n0.1 200 bin\n", r"line 2: expected `start end word`, got '0\.1 200 bin'"),
        ("0 100\n", "line 1: expected"),
        ("0 100 sil\n", "holds no word"),
    ],
)
def test_a_damaged_align_file_is_explained(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "x.align"
    path.write_text(text)
    with pytest.raises(ClipError, match=reason):
        read_align(path)


def test_speakers_come_from_the_folders(tmp_path: Path) -> None:
    touch(
        tmp_path / "s1" / "bbaf2n.mpg",
        tmp_path / "s1" / "notes.txt",
        tmp_path / "s22" / "video" / "mpg_6000" / "bbaf2n.MPG",
        tmp_path / "extra" / "bbaf2n.mp4",
    )
    clips = GridCorpus(tmp_path).clips()
    assert [(clip.id, clip.group) for clip in clips] == [
        ("extra/bbaf2n", "extra"),
        ("s1/bbaf2n", "s1"),
        ("s22/bbaf2n", "s22"),
    ]


def test_a_flat_folder_is_one_speaker(tmp_path: Path) -> None:
    touch(tmp_path / "s7" / "bbaf2n.mp4", tmp_path / "s7" / "bbaf2n.mpg")
    corpus = GridCorpus(tmp_path / "s7", tmp_path / "align")
    assert [clip.id for clip in corpus.clips()] == ["s7/bbaf2n"]


@pytest.mark.parametrize(
    "place", ["align/s1/b.align", "s1/align/b.align", "align/b.align", "s1/b.align"]
)
@pytest.mark.parametrize("source", ["", "s1"])
def test_align_files_are_found_where_people_keep_them(
    tmp_path: Path, place: str, source: str
) -> None:
    touch(tmp_path / "s1" / "b.mp4", tmp_path / place)
    corpus = GridCorpus(tmp_path / source)
    words = corpus.annotate(corpus.clips()[0]).words
    assert [span.word for span in words] == ["bin", "soon"]


@pytest.mark.parametrize("align", ["align", "align/s1"])
def test_align_files_are_found_in_the_named_folder(tmp_path: Path, align: str) -> None:
    touch(tmp_path / "s1" / "b.mp4", tmp_path / "align" / "s1" / "b.align")
    corpus = GridCorpus(tmp_path / "s1", tmp_path / align)
    assert corpus.annotate(corpus.clips()[0]).speaker == "s1"


def test_a_missing_align_file_is_explained(tmp_path: Path) -> None:
    touch(tmp_path / "s1" / "b.mp4")
    corpus = GridCorpus(tmp_path)
    with pytest.raises(ClipError, match=r"No align file .*b\.align.* Name their folder with"):
        corpus.annotate(corpus.clips()[0])


def test_a_folder_without_videos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"No video .* `--source` must be"):
        GridCorpus(tmp_path).clips()


def test_the_miniature_tree_is_read(tmp_path: Path) -> None:
    corpus = GridCorpus(grid_tree(tmp_path, {"s1": ("bbaf2n",)}))
    (clip,) = corpus.clips()
    assert corpus.annotate(clip).words == (WordSpan("bbb", 0.1, 0.3), WordSpan("soon", 0.32, 0.48))
    assert clip.sidecar.is_file()
