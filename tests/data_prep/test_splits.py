from collections import Counter
from pathlib import Path

import pytest

from data_prep.corpora import CorpusError, RawClip
from data_prep.splits import (
    Holdout,
    People,
    assign_splits,
    held_out_people,
    held_out_pictures,
)


def speaker(name: str, count: int) -> list[RawClip]:
    return [RawClip(f"{name}/{i}", Path(f"{i}.mp4"), group=name) for i in range(count)]


def test_every_speaker_holds_out_the_same_number() -> None:
    clips = speaker("s1", 30) + speaker("s2", 12)
    splits = assign_splits(clips, Holdout(val=2, test=5, seed=0))
    for name, count in (("s1", 30), ("s2", 12)):
        counted = Counter(split for clip, split in splits.items() if clip.startswith(name))
        assert counted == {"train": count - 7, "val": 2, "test": 5}


def test_the_seed_and_nothing_else_decides() -> None:
    clips = speaker("s1", 40)
    first = assign_splits(clips, Holdout(5, 5, seed=0))
    assert first == assign_splits(clips[::-1], Holdout(5, 5, seed=0))
    assert first != assign_splits(clips, Holdout(5, 5, seed=1))


def test_more_for_validation_leaves_the_test_alone() -> None:
    clips = speaker("s1", 40)
    few, many = (assign_splits(clips, Holdout(val, 5, seed=0)) for val in (1, 20))
    tests = [{clip for clip, split in s.items() if split == "test"} for s in (few, many)]
    assert tests[0] == tests[1]


def test_official_splits_stay() -> None:
    clips = [RawClip("a", Path("a"), split="test"), RawClip("b", Path("b"), split="train")]
    assert assign_splits(clips, Holdout()) == {"a": "test", "b": "train"}


def test_a_speaker_without_training_clips_is_an_error() -> None:
    with pytest.raises(CorpusError, match=r"'s1' has 7 clips, but 5 .* 2 .*Lower `--test`"):
        assign_splits(speaker("s1", 7), Holdout(2, 5))


def test_people_and_pictures_are_held_out_by_seed_and_name_alone() -> None:
    names = [f"n{i}" for i in range(50)]
    first = held_out_people(names, People(10, seed=0))
    assert len(first) == 10
    assert first == held_out_people(names[::-1], People(10, seed=0))
    assert first != held_out_people(names, People(10, seed=1))
    assert first < held_out_people(names, People(20, seed=0))
    pictures = held_out_pictures("n1", names, People(val=5))
    assert len(pictures) == 5
    swapped = held_out_pictures("n1", names[::-1], People(val=5))
    assert pictures == {49 - place for place in swapped}
    assert pictures != held_out_pictures("n2", names, People(val=5))
    assert pictures != held_out_pictures("n1", names, People(val=5, seed=1))


def test_two_people_at_least_are_trained_on() -> None:
    assert len(held_out_people(["a", "b", "c"], People(1))) == 1
    with pytest.raises(CorpusError, match="3 people can be used, of whom 2 are to be held out"):
        held_out_people(["a", "b", "c"], People(2))
