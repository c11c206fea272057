"""Who says what with which feeling, and the table of actors, in the layout of CREMA-D."""

from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest
from pathlib import Path
from typing import TypeVar

import numpy as np

from data_prep.corpora.actors import COLUMNS
from data_prep.corpora.cremad import ACTORS, EMOTIONS, SENTENCES
from data_prep.puppets.people import draw_identity
from data_prep.puppets.recording import Recording
from talkface.data.layout import write_aside

T = TypeVar("T")

FIRST_ACTOR = 1001
LEVELLED = "IEO"
"""The one sentence that CREMA-D has at three levels."""

MOST = 82
"""Recordings that an actor can make: every sentence with every feeling, one at three levels."""

_YOUNGEST, _OLDEST = 20, 74
_MAN = 0.5


def rehearse(actor: int, identity: int, count: int, side: int) -> list[Recording]:
    """The first ``count`` recordings of an actor, feelings in turn, in an order of their own."""
    rng = np.random.default_rng([identity, 0xCA57])
    queues = [_shuffled(rng, list(_parts(emotion))) for emotion in _shuffled(rng, list(EMOTIONS))]
    turns = chain.from_iterable(zip_longest(*queues))
    parts = [part for part in turns if part is not None][:count]
    return [
        Recording(actor, identity, sentence, emotion, level, take, side)
        for take, (sentence, emotion, level) in enumerate(parts)
    ]


def write_actors(root: Path, identities: Sequence[int]) -> None:
    """The table of the actors; of puppets, race and ethnicity are nobody's business."""
    lines = [",".join(COLUMNS)]
    for actor, identity in enumerate(identities, FIRST_ACTOR):
        who = draw_identity(identity)
        age = round(_YOUNGEST + (_OLDEST - _YOUNGEST) * who.age)
        sex = "Male" if who.masculine > _MAN else "Female"
        lines.append(f"{actor},{age},{sex},Unknown,Unknown")
    with write_aside(root / ACTORS) as file:
        file.write(("\n".join(lines) + "\n").encode())


def _parts(emotion: str) -> Iterator[tuple[str, str, str]]:
    """Sentence, emotion and level of all recordings with one emotion."""
    for sentence in SENTENCES:
        several = sentence == LEVELLED and emotion != "NEU"
        for level in ("LO", "MD", "HI") if several else ("XX",):
            yield sentence, emotion, level


def _shuffled(rng: np.random.Generator, items: list[T]) -> list[T]:
    return [items[int(i)] for i in rng.permutation(len(items))]
