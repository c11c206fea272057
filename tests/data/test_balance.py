import dataclasses
from collections import Counter
from pathlib import Path

import pytest

from talkface.data.balance import BalancedWindows
from talkface.data.datamodule import TalkFaceData
from talkface.data.layout import Corpus, WordSpan, write_clip, write_corpus
from talkface.data.vocabulary import VocabularyError
from tests import fakes


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five clips with one word, and one with three of them; the last word is never longest."""
    root, records = tmp_path_factory.mktemp("uneven"), []
    many = (WordSpan("ABOUT", 0.1, 0.5), WordSpan("NORTH", 0.5, 1.4), WordSpan("A", 1.4, 1.45))
    for number in range(6):
        clip = fakes.clip(f"clip{number}", seed=number)
        words = many if number == 5 else (WordSpan("ABOUT", 0.2, 1.2),)
        clip.record = dataclasses.replace(clip.record, words=words)
        write_clip(root, clip)
        records.append(clip.record)
    write_corpus(root, Corpus("uneven", 64, ("A", "ABOUT", "NORTH")), records)
    return root


def test_every_word_is_heard_equally_often(uneven: Path) -> None:
    dataset = BalancedWindows(uneven, "train", 12, windows_per_clip=3)
    for epoch in range(2):
        dataset.set_epoch(epoch)
        windows = [dataset[index] for index in range(len(dataset))]
        assert Counter(int(window.label) for window in windows) == {1: 9, 2: 9}
        assert {window.clip for window in windows if window.label == 2} == {"clip5"}
        turns = Counter(window.clip for window in windows if window.label == 1)
        assert len(turns) == 6  # all clips take turns
        assert max(turns.values()) - min(turns.values()) == 1
    assert len({float(w.frames.sum()) for w in windows if w.label == 2}) > 1


def test_the_order_changes_with_the_epoch_alone(uneven: Path) -> None:
    one, other = (BalancedWindows(uneven, "train", 12) for _ in range(2))
    first = [one[index].clip for index in range(6)]
    assert [other[index].clip for index in range(6)] == first
    one.set_epoch(1)
    assert [one[index].clip for index in range(6)] != first


def test_the_data_module_balances_training_only(uneven: Path) -> None:
    data = TalkFaceData(uneven, frames=12, batch_size=6, workers=0, balanced=True)
    data.val = data.train = data._windows("train", 1, BalancedWindows)
    labels = [int(label) for batch in data.train_dataloader() for label in batch.label]
    assert Counter(labels) == {1: 3, 2: 3}


def test_a_corpus_without_words_cannot_be_balanced(tmp_path: Path) -> None:
    clip = fakes.clip("clip")
    clip.record = dataclasses.replace(clip.record, words=())
    write_clip(tmp_path, clip)
    write_corpus(tmp_path, Corpus("mute", 64), [clip.record])
    with pytest.raises(VocabularyError, match=r"no window with a word.*`data\.balanced`"):
        BalancedWindows(tmp_path, "train", 12)
