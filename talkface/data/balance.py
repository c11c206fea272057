"""Windows in which every word is heard equally often, however many clips have it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from talkface.data.vocabulary import VocabularyError
from talkface.data.windows import WindowDataset


class BalancedWindows(WindowDataset):
    """As many windows per epoch as ``WindowDataset``, rounded up to the same number for each word.

    The word of a window is the one that lasts longest in it. Window ``i`` has word ``i`` modulo
    the number of words; the clips of a word take turns, in another order in every epoch. Words
    that last longest in no window at all are left out.

    Arguments as ``WindowDataset``; errors too, and ``VocabularyError`` if there are no words.
    """

    def __init__(self, root: Path, split: str, *args: Any, **options: Any) -> None:
        super().__init__(root, split, *args, **options)
        clips: dict[int, list[int]] = {}
        for place, record in enumerate(self.records):
            firsts = super().choices(place * self.windows_per_clip)[1]
            for word in set(self.labels(record, firsts, self.frames).tolist()) - {-1}:
                clips.setdefault(word, []).append(place)
        if not clips:
            raise VocabularyError(
                f"Split {split!r} under {root} has no window with a word, so words cannot be "
                "balanced. Set `data.balanced` to false."
            )
        self.words = sorted(clips)
        self._clips = [np.array(clips[word]) for word in self.words]
        self._count = -(-super().__len__() // len(self.words))

    def __len__(self) -> int:
        """Windows per epoch."""
        return self._count * len(self.words)

    def choices(self, index: int, attempt: int = 0) -> tuple[int, Sequence[int]]:
        """A clip of the word whose turn it is, and the frames from which it lasts longest."""
        place, word = index % len(self.words), self.words[index % len(self.words)]
        clip = self._turn(place, index // len(self.words) + attempt)
        every = super().choices(clip * self.windows_per_clip)[1]
        labels = self.labels(self.records[clip], every, self.frames)
        return clip, [first for first, label in zip(every, labels, strict=True) if label == word]

    def _turn(self, place: int, number: int) -> int:
        """The clip that comes as ``number`` of a word: all of them, then all of them again."""
        clips: Int64[np.ndarray, " n"] = self._clips[place]
        turn, number = divmod(number, len(clips))
        rng = np.random.default_rng((self.seed, self.epoch, place, turn))
        return int(clips[rng.permutation(len(clips))[number]])
