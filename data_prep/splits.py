"""Seeded splits for corpora that have no official ones."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from data_prep.corpora.raw import CorpusError, RawClip


@dataclass(frozen=True)
class Holdout:
    """How many clips of every speaker are held out.

    Attributes:
        val: For validation.
        test: For the test.
        seed: Another seed holds out others.
    """

    val: int = 20
    test: int = 50
    seed: int = 0


def assign_splits(clips: Sequence[RawClip], holdout: Holdout) -> dict[str, str]:
    """The split of every clip by its id: the official one, else drawn within its speaker.

    Clips are drawn by a hash of seed and id, so the draw depends on nothing but the list of clips.

    Raises:
        CorpusError: A speaker has no clip left to train with.
    """
    splits = {clip.id: clip.split for clip in clips if clip.split is not None}
    groups: dict[str, list[str]] = defaultdict(list)
    for clip in clips:
        if clip.split is None:
            groups[clip.group].append(clip.id)
    for group, names in groups.items():
        held_out = holdout.val + holdout.test
        if held_out >= len(names):
            raise CorpusError(
                f"Speaker {group!r} has {len(names)} clips, but {holdout.test} for the test and "
                f"{holdout.val} for validation are to be held out of each speaker. "
                "Lower `--test` and `--val`."
            )
        names.sort(key=lambda name: hashlib.sha256(f"{holdout.seed}:{name}".encode()).digest())
        for place, name in enumerate(names):
            in_test, in_val = place < holdout.test, place < held_out
            splits[name] = "test" if in_test else "val" if in_val else "train"
    return splits
