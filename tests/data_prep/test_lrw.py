from pathlib import Path

import pytest

from data_prep.corpora import ClipError, CorpusError, LrwCorpus
from tests.data_prep.trees import write_speaker

TEXT = "Disk reference: 6110\nChannel: BBC1\nDuration: 0.40 seconds\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for word, split in (("MIGHT", "val"), ("ABOUT", "train"), ("ABOUT", "test")):
        path = tmp_path / "lipread_mp4" / word / split / f"{word}_00001.mp4"
        path.parent.mkdir(parents=True)
        path.touch()
        path.with_suffix(".txt").write_text(TEXT)
    return tmp_path


def test_a_video_that_was_being_written_is_no_clip(tree: Path) -> None:
    folder = tree / "lipread_mp4" / "MIGHT" / "val"
    (folder / ".MIGHT_00002.2fcd9011.part.mp4").touch()
    assert len(LrwCorpus(tree).clips()) == 3


@pytest.mark.parametrize("nested", ["", "lipread_mp4"])
def test_the_official_tree_gives_words_and_splits(tree: Path, nested: str) -> None:
    clips = LrwCorpus(tree / nested).clips()
    assert [(clip.id, clip.split) for clip in clips] == [
        ("ABOUT/train/ABOUT_00001", "train"),
        ("ABOUT/test/ABOUT_00001", "test"),
        ("MIGHT/val/MIGHT_00001", "val"),
    ]


def test_the_word_is_centred_in_the_clip(tree: Path) -> None:
    corpus = LrwCorpus(tree)
    annotation = corpus.annotate(corpus.clips()[0])
    (span,) = annotation.words
    assert span.word == "ABOUT"
    assert [span.start, span.end] == pytest.approx([0.38, 0.78])
    assert annotation.speaker == ""


def test_a_sidecar_adds_speaker_and_exact_times(tree: Path) -> None:
    corpus = LrwCorpus(tree)
    clip = corpus.clips()[0]
    write_speaker(clip.video, speaker="p7", word_start=0.41, word_end=0.77)
    annotation = corpus.annotate(clip)
    assert annotation.speaker == "p7"
    assert (annotation.words[0].start, annotation.words[0].end) == (0.41, 0.77)


@pytest.mark.parametrize("text", ["[1]", "{"])
def test_a_damaged_sidecar_is_explained(tree: Path, text: str) -> None:
    corpus = LrwCorpus(tree)
    clip = corpus.clips()[0]
    clip.video.with_suffix(".json").write_text(text)
    with pytest.raises(ClipError, match=r"ABOUT_00001\.json (is not JSON|must hold an object)"):
        corpus.annotate(clip)


def test_missing_or_damaged_metadata_is_explained(tree: Path) -> None:
    corpus = LrwCorpus(tree)
    clip = corpus.clips()[0]
    text = clip.video.with_suffix(".txt")
    text.write_text("Channel: BBC1\n")
    with pytest.raises(ClipError, match="no line `Duration"):
        corpus.annotate(clip)
    text.unlink()
    with pytest.raises(ClipError, match="No metadata"):
        corpus.annotate(clip)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"WORD/\{train,val,test\}"):
        LrwCorpus(tmp_path).clips()
