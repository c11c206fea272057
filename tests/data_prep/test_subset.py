from pathlib import Path

import pytest

from data_prep.__main__ import main
from data_prep.corpora import CorpusError, GridCorpus, LrwCorpus, RawCorpus
from data_prep.subset import Subset, parse_words
from talkface.data.layout import read_corpus
from talkface.data.vocabulary import choose_words
from tests.data_prep.trees import ALIGN, lrw_tree

WORDS39 = Path(__file__).parents[2] / "configs" / "ablations" / "words39.yaml"
MANY = tuple(f"W{i:03d}" for i in range(100))


def lrw(root: Path, *words: str) -> LrwCorpus:
    for word in words:
        path = root / word / "train" / f"{word}_00001.mp4"
        path.parent.mkdir(parents=True)
        path.touch()
    return LrwCorpus(root)


def grid(root: Path, **said: str) -> GridCorpus:
    """One video of every speaker, who says a word and ``soon``."""
    for speaker, word in said.items():
        (root / speaker).mkdir(parents=True)
        (root / speaker / "a.mpg").touch()
        (root / speaker / "a.align").write_text(ALIGN.format(word))
    return GridCorpus(root)


def names(corpus: RawCorpus) -> list[str]:
    return [clip.id for clip in corpus.clips()]


def test_words_are_chosen_by_the_folder_and_by_the_align_file(tmp_path: Path) -> None:
    whole = lrw(tmp_path / "lrw", "ABOUT", "BECAUSE", "MIGHT")
    assert names(Subset(whole, ["MIGHT", "ABOUT"])) == [
        "ABOUT/train/ABOUT_00001",
        "MIGHT/train/MIGHT_00001",
    ]
    sentences = grid(tmp_path / "grid", s1="bin", s2="lay", s3="set")
    assert names(Subset(sentences, ["lay"])) == ["s2/a"]
    assert names(Subset(sentences, ["soon"])) == ["s1/a", "s2/a", "s3/a"]
    assert names(Subset(sentences, ["lay", "set"], ["s1", "s3"])) == ["s3/a"]
    with pytest.raises(CorpusError, match="None of these speakers of grid says any of these words"):
        Subset(sentences, ["lay"], ["s1"]).clips()


def test_the_words_of_an_ablation_are_those_that_it_trains_with(tmp_path: Path) -> None:
    whole = lrw(tmp_path, *MANY)
    chosen = choose_words(tmp_path, MANY, 39)
    for given in ("39", str(WORDS39)):
        part = Subset(whole, parse_words([given])).clips()
        assert tuple(clip.video.parts[-3] for clip in part) == chosen
    listing = tmp_path / "mine.yaml"
    listing.write_text("data: {words: [W001, W007]}\n")
    assert parse_words([str(listing)]) == ["W001", "W007"]
    listing.write_text("data: {root: x}\n")
    with pytest.raises(CorpusError, match=r"mine\.yaml has no `data\.words`"):
        parse_words([str(listing)])


def test_what_does_not_tell_its_words_stays_to_be_skipped_with_its_reason(tmp_path: Path) -> None:
    sentences = grid(tmp_path, s1="bin", s2="lay", s3="set")
    (tmp_path / "s3" / "a.align").unlink()
    assert names(Subset(sentences, ["bin"])) == ["s1/a", "s3/a"]


@pytest.mark.parametrize(
    ("words", "speakers", "message"),
    [
        (["ABUOT"], None, r"lrw has no word 'ABUOT' among its 3 words\. Close are ABOUT\. Correct"),
        (["about"], None, r"no word 'about' .* Close are ABOUT\."),
        (["zzz"], None, r"no word 'zzz' .* The first are ABOUT, BECAUSE, MIGHT\."),
        (4, None, r"`--words 4` was asked for, but lrw has 3 words"),
        (None, ["s1"], r"The folders of lrw name no speakers, .* Leave out `--speakers`"),
    ],
)
def test_what_is_not_there_is_explained(
    tmp_path: Path, words: int | list[str] | None, speakers: list[str] | None, message: str
) -> None:
    with pytest.raises(CorpusError, match=message):
        Subset(lrw(tmp_path, "ABOUT", "BECAUSE", "MIGHT"), words, speakers).clips()


def test_an_unknown_speaker_is_explained(tmp_path: Path) -> None:
    sentences = grid(tmp_path, s1="bin", s2="lay", s21="set")
    with pytest.raises(CorpusError, match=r"no speaker 's22' among its 3 speakers\. Close are s2"):
        Subset(sentences, speakers=["s1", "s22"]).clips()


def test_the_command_prepares_a_part(tmp_path: Path) -> None:
    source, output = lrw_tree(tmp_path / "raw", ("ABOUT", "MIGHT")), tmp_path / "out"
    command = ["lrw", f"--source={source}", f"--output={output}", "--words", "MIGHT"]
    assert main([*command, "--limit=2", "--landmarks=sidecar", "--side=64", "--workers=0"]) == 0
    assert read_corpus(output).words == ("MIGHT",)
    assert main([*command, "MIGTH"]) == 1
