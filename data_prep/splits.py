"""Seeded splits for corpora that have no official ones."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from data_prep.corpora.raw import Annotation, CorpusError, RawClip, RawCorpus

LEAST_PEOPLE = 2
"""A classifier of one class learns nothing."""


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


@dataclass(frozen=True)
class Speakers:
    """How many speakers are held out, each with all clips.

    Attributes:
        val: For validation.
        test: For the test.
        seed: Another seed holds out others.
    """

    val: int = 9
    test: int = 12
    seed: int = 0


@dataclass(frozen=True)
class People:
    """Which people and pictures of an identity corpus are held out.

    Attributes:
        unseen: People of whom no picture is trained on.
        val: Pictures of every other person, for validation.
        seed: Another seed holds out others.
    """

    unseen: int = 100
    val: int = 2
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
        names.sort(key=lambda name: _rank(holdout.seed, name))
        for place, name in enumerate(names):
            in_test, in_val = place < holdout.test, place < held_out
            splits[name] = "test" if in_test else "val" if in_val else "train"
    return splits


@dataclass(frozen=True)
class SplitBySpeaker:
    """A raw corpus whose speakers are in one split each, drawn by a hash of seed and name.

    Attributes:
        corpus: The corpus, without splits of its own.
        held_out: How many speakers are not trained on.
    """

    corpus: RawCorpus
    held_out: Speakers

    @property
    def name(self) -> str:
        """Name of the corpus."""
        return self.corpus.name

    def clips(self) -> list[RawClip]:
        """All clips with their splits; those of nobody known count as training clips.

        Raises:
            CorpusError: There is no clip, or no speaker is left to train with.
        """
        clips = self.corpus.clips()
        names = {clip.group for clip in clips if clip.group}
        val, test = self.held_out.val, self.held_out.test
        if val + test >= len(names):
            raise CorpusError(
                f"There are {len(names)} speakers, but {test} for the test and {val} for "
                "validation are to be held out. Lower `--test` and `--val`."
            )
        ranked = sorted(names, key=lambda name: _rank(self.held_out.seed, name))
        splits = dict.fromkeys(ranked, "train")
        splits |= dict.fromkeys(ranked[: test + val], "val")
        splits |= dict.fromkeys(ranked[:test], "test")
        return [replace(clip, split=splits.get(clip.group, "train")) for clip in clips]

    def annotate(self, clip: RawClip) -> Annotation:
        """As the corpus does it."""
        return self.corpus.annotate(clip)


def held_out_people(people: Sequence[str], held_out: People) -> set[str]:
    """The people who are never trained on, drawn by a hash of seed and name.

    Raises:
        CorpusError: Fewer than two people are left to train with.
    """
    left = len(people) - held_out.unseen
    if left < LEAST_PEOPLE:
        raise CorpusError(
            f"{len(people)} people can be used, of whom {held_out.unseen} are to be held out: too "
            "few are left to train with. Lower `--unseen`, or `--least` if it excludes many."
        )
    return set(sorted(people, key=lambda name: _rank(held_out.seed, name))[: held_out.unseen])


def held_out_pictures(person: str, pictures: Sequence[str], held_out: People) -> set[int]:
    """The places of a person's pictures that are kept for validation, drawn by a hash."""
    places = range(len(pictures))
    ranked = sorted(places, key=lambda i: _rank(held_out.seed, f"{person}/{pictures[i]}"))
    return set(ranked[: held_out.val])


def _rank(seed: int, name: str) -> bytes:
    """A place in an order that depends on nothing but the seed."""
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()
