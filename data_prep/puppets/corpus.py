"""The puppet corpus: talking puppets as ordinary video files in the layout of LRW or CREMA-D.

LRW: ``lipread_mp4/WORD/{train,val,test}/WORD_00001.mp4`` with ``.txt`` as LRW has it, and beside
them what LRW lacks: ``.landmarks.npy`` (29, 68, 2) float32 in pixels, and ``.json`` with speaker
and exact times. The ``.json`` is written last: with it a clip is complete.

CREMA-D: ``VideoFlash/1001_DFA_ANG_XX.flv`` without sound, 30 pictures per second, with
``AudioWAV/1001_DFA_ANG_XX.wav`` and ``VideoDemographics.csv``; beside the videos landmarks for 25
pictures per second, and again a ``.json`` that is written last.
"""

import multiprocessing
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from data_prep.processes import settle
from data_prep.puppets.cast import FIRST_ACTOR, MOST, rehearse, write_actors
from data_prep.puppets.clip import Clip, is_complete, write_clips
from data_prep.puppets.espeak import require_engine
from data_prep.puppets.puppet import check_side
from data_prep.puppets.recording import Recording, write_recordings
from data_prep.puppets.recording import is_complete as whole
from data_prep.puppets.utterance import WORDS

Made = TypeVar("Made", Clip, Recording)
SPLITS = ("train", "val", "test")
_PEOPLE_PER_SEED = 100_000


@dataclass(frozen=True)
class PuppetSettings:
    """What to render.

    Attributes:
        identities: People of the training split.
        val_identities: Other people, for validation.
        test_identities: Yet other people, for the test.
        clips_per_identity: Clips of each of them.
        words: The vocabulary, a part of `data_prep.puppets.utterance.WORDS`.
        side: Side of the pictures in pixels, a multiple of 32.
        seed: Another seed means other people, sentences and motion.
        workers: Processes; 0 renders in this one.
        layout: ``lrw``, words; or ``cremad``, sentences in six emotions by people who are held
            out by the reader, not here.
    """

    identities: int = 24
    val_identities: int = 3
    test_identities: int = 6
    clips_per_identity: int = 8
    words: tuple[str, ...] = field(default=WORDS)
    side: int = 256
    seed: int = 0
    workers: int = 2
    layout: Literal["lrw", "cremad"] = "lrw"

    def __post_init__(self) -> None:
        check_side(self.side)
        counts = (self.identities, self.val_identities, self.test_identities, self.workers)
        if min(*counts, self.clips_per_identity) < 0 or sum(counts[:3]) > _PEOPLE_PER_SEED:
            msg = f"Counts of people and clips must lie in 0 to {_PEOPLE_PER_SEED}, found {self}."
            raise ValueError(msg)
        if self.layout == "cremad" and self.clips_per_identity > MOST:
            msg = (
                f"An actor has {MOST} recordings in CREMA-D; found {self.clips_per_identity} clips."
            )
            raise ValueError(msg)
        unknown = sorted(set(self.words) - set(WORDS))
        if unknown or not self.words:
            msg = f"The puppets do not know the words {unknown}; choose some of {list(WORDS)}."
            raise ValueError(msg)

    @property
    def people(self) -> range:
        """Seeds of all people."""
        first = self.seed * _PEOPLE_PER_SEED
        return range(first, first + self.identities + self.val_identities + self.test_identities)


def plan(settings: PuppetSettings) -> list[Clip]:
    """All clips of a corpus, person by person.

    Every person says words in an order of their own, each word once before any returns.
    """
    numbers: Counter[tuple[str, str]] = Counter()
    clips: list[Clip] = []
    person = settings.seed * _PEOPLE_PER_SEED
    sizes = (settings.identities, settings.val_identities, settings.test_identities)
    for split, size in zip(SPLITS, sizes, strict=True):
        for identity in range(person, person + size):
            order = np.random.default_rng([identity, 0x70D5]).permutation(len(settings.words))
            for take in range(settings.clips_per_identity):
                word = settings.words[int(order[take % len(order)])]
                numbers[word, split] += 1
                clips.append(Clip(word, split, numbers[word, split], identity, take, settings.side))
        person += size
    return clips


def plan_recordings(settings: PuppetSettings) -> list[Recording]:
    """All recordings of a corpus in the layout of CREMA-D, person by person."""
    return [
        recording
        for actor, identity in enumerate(settings.people, FIRST_ACTOR)
        for recording in rehearse(actor, identity, settings.clips_per_identity, settings.side)
    ]


def write_corpus(
    root: Path,
    settings: PuppetSettings | None = None,
    on_clip: Callable[[int, int], None] | None = None,
) -> None:
    """Render a corpus under ``root``, keeping clips that are complete already.

    Args:
        root: Folder of the corpus; made if need be.
        settings: What to render.
        on_clip: Called after each clip with the number of finished clips and of all clips.

    Raises:
        SpeechEngineError: The speech engine is not installed.
        OSError: The folder cannot be written.
    """
    settings = settings or PuppetSettings()
    tell = on_clip or (lambda done, total: None)
    if settings.layout == "lrw":
        _render(root, plan(settings), is_complete, write_clips, settings.workers, tell)
        return
    write_actors(root, settings.people)
    recordings = plan_recordings(settings)
    _render(root, recordings, whole, write_recordings, settings.workers, tell)


def _render(
    root: Path,
    clips: Sequence[Made],
    is_complete: Callable[[Path, Made], bool],
    write: Callable[[Path, list[Made]], int],
    workers: int,
    tell: Callable[[int, int], None],
) -> None:
    """Render what is missing, person by person."""
    missing: dict[int, list[Made]] = {}
    for clip in clips:
        if not is_complete(root, clip):
            missing.setdefault(clip.identity, []).append(clip)
    done = len(clips) - sum(map(len, missing.values()))
    tell(done, len(clips))
    if not missing:
        return
    require_engine()
    if workers == 0:
        for group in missing.values():
            for clip in group:
                done += write(root, [clip])
                tell(done, len(clips))
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=settle) as pool:
        pending = [pool.submit(write, root, group) for group in missing.values()]
        _collect(pool, pending, lambda new: tell(done + new, len(clips)))


def _collect(pool: Executor, pending: list[Future[int]], tell: Callable[[int], None]) -> None:
    """Count the clips as people are finished; stop at the first failure."""
    count = 0
    try:
        for future in as_completed(pending):
            for _ in range(future.result()):
                count += 1
                tell(count)
    finally:
        pool.shutdown(cancel_futures=True)
