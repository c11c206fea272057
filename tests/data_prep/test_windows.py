from pathlib import Path

import numpy as np
import pytest
import torch

from data_prep.__main__ import main
from data_prep.corpora import ClipError, GridCorpus
from data_prep.splits import Holdout
from data_prep.subset import Subset
from data_prep.windows import WordWindows, cut_around
from talkface.data.layout import ClipReader, WordSpan, read_corpus, read_manifest
from talkface.data.media import read_audio
from tests.data_prep.trees import write_clip

SAID = "0 20000 sil\n20000 30000 bin\n30000 45000 blue\n45000 50000 now\n50000 75000 sil\n"


def sentences(root: Path, count: int) -> GridCorpus:
    """Sentences of one speaker that are listed, not opened."""
    for number in range(count):
        path = root / "s1" / f"c{number}.mpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        path.with_suffix(".align").write_text(SAID)
    return GridCorpus(root)


def test_all_words_of_a_sentence_are_in_its_split(tmp_path: Path) -> None:
    corpus = WordWindows(sentences(tmp_path, 20), Holdout(val=3, test=5))
    clips = corpus.clips()
    assert len(clips) == 60
    assert [clip.id for clip in clips[:3]] == ["s1/c0/0_bin", "s1/c0/1_blue", "s1/c0/2_now"]
    splits = {s: {c.video for c in clips if c.split == s} for s in ("train", "val", "test")}
    assert [len(splits[s]) for s in splits] == [12, 3, 5]
    assert len(set.union(*splits.values())) == 20
    part = Subset(corpus, ["blue"]).clips()
    assert {clip.id.rpartition("_")[2] for clip in part} == {"blue"}
    assert len(part) == 20


def test_a_sentence_that_does_not_tell_its_words_stays_one_clip(tmp_path: Path) -> None:
    corpus = WordWindows(sentences(tmp_path, 2), Holdout(0, 0))
    (tmp_path / "s1" / "c1.align").unlink()
    assert [clip.id for clip in corpus.clips()][3:] == ["s1/c1"]
    with pytest.raises(ClipError, match="No align file"):
        corpus.annotate(corpus.clips()[3])


@pytest.mark.parametrize(
    ("start", "end", "first"), [(1.4, 1.6, 23), (0.1, 0.3, 0), (2.8, 3.0, 46), (1.42, 1.62, 24)]
)
def test_the_word_is_in_the_middle_or_as_near_as_can_be(
    start: float, end: float, first: int
) -> None:
    frames = torch.arange(75, dtype=torch.uint8)[:, None, None, None].expand(75, 3, 2, 2)
    sound = torch.arange(75 * 640).div(640, rounding_mode="floor").short()
    word, seen, heard = cut_around(WordSpan("bin", start, end), frames, sound)
    assert seen[:, 0, 0, 0].tolist() == list(range(first, first + 29))
    assert torch.equal(heard[::640], torch.arange(first, first + 29).short())
    assert len(heard) == 29 * 640
    assert (word.start, word.end) == pytest.approx((start - first / 25, end - first / 25))
    with pytest.raises(ClipError, match="has 28 frames, a clip of a word takes 29"):
        cut_around(word, frames[:28], sound)


def test_the_command_prepares_words(tmp_path: Path) -> None:
    video = tmp_path / "raw" / "s1" / "bbaf2n.mp4"
    write_clip(video, frames=75)
    video.with_suffix(".align").write_text(SAID)
    whole = np.load(video.with_suffix(".landmarks.npy"))
    for place, first in enumerate((10, 23, 33)):
        np.save(video.with_suffix(f".{place}.landmarks.npy"), whole[first : first + 29])
    output = tmp_path / "out"
    command = ["grid", f"--source={tmp_path / 'raw'}", f"--output={output}", "--windows=words"]
    options = ["--landmarks=sidecar", "--side=64", "--workers=0", "--val=0", "--test=0"]
    assert main([*command, *options]) == 0
    corpus, records = read_corpus(output), read_manifest(output, "train")
    assert (corpus.name, corpus.words) == ("grid-words", ("bin", "blue", "now"))
    assert [(r.id, r.frames, r.samples) for r in records] == [
        (f"s1/bbaf2n/{name}", 29, 29 * 640) for name in ("0_bin", "1_blue", "2_now")
    ]
    (span,) = records[1].words
    assert (span.start, span.end) == pytest.approx((1.2 - 23 / 25, 1.8 - 23 / 25))
    heard = ClipReader(output, records[1]).sound()
    assert torch.equal(heard, read_audio(video)[23 * 640 : 52 * 640])
