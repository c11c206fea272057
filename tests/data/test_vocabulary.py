from pathlib import Path

import pytest

from talkface.data.vocabulary import VocabularyError, choose_words
from talkface.data.windows import ClipDataset, WindowDataset
from tests.fakes import WORDS

ROOT = Path("data/lrw")
ALPHABET = tuple("ABCDEFGHIJ")


def test_all_words_of_a_corpus_are_classes_unless_some_are_chosen() -> None:
    assert choose_words(ROOT, ALPHABET, None) == ALPHABET


@pytest.mark.parametrize(
    ("count", "words"), [(1, "A"), (3, "ADG"), (4, "ACFH"), (10, "ABCDEFGHIJ")]
)
def test_a_number_of_words_is_spread_over_the_corpus(count: int, words: str) -> None:
    assert choose_words(ROOT, ALPHABET, count) == tuple(words)


def test_named_words_are_taken_in_the_order_of_the_corpus() -> None:
    assert choose_words(ROOT, ALPHABET, ["D", "B", "D"]) == ("B", "D")


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (0, "asks for 0 words, but the corpus under data/lrw has 10. Ask for 1 to 10"),
        (39, "asks for 39 words, but the corpus under data/lrw has 10"),
        (["B", "ZEBRA"], r"names \['ZEBRA'\]; the corpus under data/lrw has A, B, C"),
        ([], "names no word at all"),
    ],
)
def test_words_that_a_corpus_does_not_have_are_told(choice: int | list[str], message: str) -> None:
    with pytest.raises(VocabularyError, match=message):
        choose_words(ROOT, ALPHABET, choice)


def test_only_clips_with_a_chosen_word_are_read_and_classes_count_from_zero(
    prepared: Path,
) -> None:
    assert len(WindowDataset(prepared, "train", 6)) == 4
    chosen = WindowDataset(prepared, "train", 6, words=[WORDS[1]])
    assert [record.words[0].word for record in chosen.records] == [WORDS[1]]
    window = chosen[0]
    assert window.label == 0 or (window.label == -1 and not window.spoken.any())
    spread = WindowDataset(prepared, "train", 6, words=2)
    assert {record.words[0].word for record in spread.records} == {WORDS[0], WORDS[1]}


def test_a_split_without_any_chosen_word_is_told(prepared: Path) -> None:
    with pytest.raises(
        VocabularyError, match=r"No clip of split 'test' .* has any of the words ABOUT"
    ):
        ClipDataset(prepared, "test", words=[WORDS[0]])
