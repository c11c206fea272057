"""Windows of consecutive frames out of a prepared corpus, and whole clips for testing."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int16, Int64, UInt8
from torch import Tensor
from torch.nn.functional import interpolate
from torch.utils.data import Dataset

from talkface.data.files import clip_files
from talkface.data.health import Health
from talkface.data.layout import ClipReader, ClipRecord, LayoutError, read_corpus, read_manifest
from talkface.data.mfcc import Mfcc
from talkface.data.records import PackedRecords
from talkface.data.vocabulary import VocabularyError, choose_words
from talkface.types import FPS, SAMPLE_RATE, Window

logger = logging.getLogger(__name__)

MAX_SKIPS = 10
"""Damaged clips that a training does without."""


class ResolutionError(ValueError):
    """More pixels are asked for than were stored."""

    def __init__(self, root: Path, stored: int, wanted: int) -> None:
        super().__init__(
            f"The corpus under {root} is stored at {stored} px, but {wanted} px are asked for. "
            f"Prepare it with `--side {wanted}`, or set `data.resolution` to at most {stored}."
        )


class NoUsableClipError(ValueError):
    """Not one clip of a split is long enough."""

    def __init__(self, root: Path, split: str, needed: int, longest: int) -> None:
        super().__init__(
            f"No clip of split {split!r} under {root} has {needed} frames with sound around them "
            f"(the longest has {longest}). Set `data.frames` to at most {longest}, or prepare "
            "longer clips."
        )


class _Clips(Dataset[Window]):
    """What both datasets share: the clips of a split that have enough usable frames."""

    def __init__(
        self,
        root: Path,
        split: str,
        resolution: int,
        mfcc: str,
        limit: int | None,
        words: int | Sequence[str] | None,
        needed: int,
    ) -> None:
        corpus = read_corpus(root)
        if resolution > corpus.side:
            raise ResolutionError(root, corpus.side, resolution)
        self.root, self.resolution, self.side = root, resolution, corpus.side
        chosen = choose_words(root, corpus.words, words)
        self.classes = {word: index for index, word in enumerate(chosen)}
        self.mfcc = Mfcc(mfcc)
        records = read_manifest(root, split)
        if words is not None:
            records = [r for r in records if any(w.word in self.classes for w in r.words)]
            if not records:
                raise VocabularyError(
                    f"No clip of split {split!r} under {root} has any of the words "
                    f"{', '.join(chosen)}. Choose others in `data.words`."
                )
        records = records[:limit]
        usable = [r for r in records if len(self.usable(r)) >= needed]
        self.records: Sequence[ClipRecord] = usable
        clip_files(root).check(self.records)
        self.skipped = len(records) - len(self.records)
        if not self.records:
            longest = max((len(self.usable(r)) for r in records), default=0)
            raise NoUsableClipError(root, split, needed, longest)
        if self.skipped:
            logger.warning(
                "Skipped %d of %d clips of split %r: fewer than %d frames with sound around them.",
                self.skipped,
                len(records),
                split,
                needed,
            )

    def usable(self, record: ClipRecord) -> range:
        """Frames of a clip that have a picture and enough sound around them."""
        frames = self.mfcc.usable(record.samples)
        return range(frames.start, min(frames.stop, record.frames))

    def load(self, record: ClipRecord, identity: int, first: int, count: int) -> Window:
        """Read a window and no more than that."""
        reader = ClipReader(self.root, record)
        images = self._resized(reader.frames([identity, *range(first, first + count)]))
        landmarks = self._scaled(reader.landmarks()[first : first + count])
        return Window(
            identity=images[0],
            frames=images[1:],
            driving=images[1:],
            mfcc=self.mfcc.per_frame(reader.sound(), first, count),
            landmarks=landmarks,
            driving_landmarks=landmarks,
            label=torch.tensor(self.label(record, first, count)),
            spoken=spoken(record, first, count),
            clip=record.id,
        )

    def label(self, record: ClipRecord, first: int, count: int) -> int:
        """Class of the word that lasts longest within the window, -1 for silence."""
        return int(self.labels(record, [first], count)[0])

    def labels(
        self, record: ClipRecord, firsts: Sequence[int], count: int
    ) -> Int64[np.ndarray, " n"]:
        """``label`` of the windows from each of ``firsts`` on."""
        if not record.words:
            return np.full(len(firsts), -1)
        start = np.asarray(firsts) / FPS
        end = (np.asarray(firsts) + count) / FPS
        shares = np.stack(
            [np.minimum(w.end, end) - np.maximum(w.start, start) for w in record.words]
        )
        classes = np.array([self.classes.get(word.word, -1) for word in record.words])
        return np.where(shares.max(0) > 0, classes[shares.argmax(0)], -1)

    def _resized(self, images: UInt8[Tensor, "n 3 side side"]) -> UInt8[Tensor, "n 3 S S"]:
        if self.side == self.resolution:
            return images
        size = (self.resolution, self.resolution)
        return interpolate(images, size, mode="bilinear", antialias=True)

    def _scaled(self, points: Float[Tensor, "t 68 2"]) -> Float[Tensor, "t 68 2"]:
        """Points follow the picture; centres of pixels are at integers."""
        scale = self.resolution / self.side
        return (points + 0.5) * scale - 0.5


class WindowDataset(_Clips):
    """Random windows of ``frames`` consecutive frames, for training.

    A window depends on ``(seed, epoch, index)`` alone, so neither the number of workers nor the
    order of reading changes it. Its identity is a random frame of the same clip, outside the
    window when the clip is longer than that. Its label is the word that lasts longest in it.

    Args:
        root: Folder of a prepared corpus.
        split: Manifest to read.
        frames: Frames per window.
        resolution: Side of the images in pixels, at most the stored side.
        mfcc: Preset of the sound features.
        windows_per_clip: Windows drawn from each clip in one epoch.
        seed: Start of all draws, at least 0.
        limit: Use only the first so many clips.
        words: Use only clips with one of these words, or of so many spread over the corpus; they
            are the classes. None for all.
        max_skips: Damaged clips to do without; the next clip takes the place of one.

    Raises:
        ManifestNotFoundError: If there is no such corpus or split.
        VocabularyError: If the corpus does not have the words.
        ResolutionError: If the clips are stored smaller than ``resolution``.
        NoUsableClipError: If ``frames`` is longer than every clip.
    """

    def __init__(
        self,
        root: Path,
        split: str,
        frames: int = 20,
        resolution: int = 64,
        mfcc: str = "davs",
        windows_per_clip: int = 1,
        seed: int = 0,
        limit: int | None = None,
        words: int | Sequence[str] | None = None,
        max_skips: int = MAX_SKIPS,
    ) -> None:
        super().__init__(root, split, resolution, mfcc, limit, words, needed=frames)
        self.records = PackedRecords(self.records)
        self.frames, self.windows_per_clip, self.seed = frames, windows_per_clip, seed
        self.health = Health(len(self.records), max_skips)
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()  # seen by all workers

    @property
    def epoch(self) -> int:
        """The epoch whose windows are drawn."""
        return int(self._epoch)

    def __len__(self) -> int:
        """Windows per epoch."""
        return len(self.records) * self.windows_per_clip

    def set_epoch(self, epoch: int) -> None:
        """Draw other windows from now on, in running workers too."""
        self._epoch.fill_(epoch)

    def busy(self, workers: int) -> dict[int, str]:
        """Clips that workers are reading."""
        reading = self.health.busy(workers)
        return {worker: self.records[clip].id for worker, clip in reading.items()}

    def __getitem__(self, index: int) -> Window:
        """Draw and read window ``index`` of this epoch; images are ``uint8``.

        Raises:
            TooManySkipsError: If more than ``max_skips`` clips are damaged.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"There is no window {index}, only 0 to {len(self) - 1}.")
        attempt = 0
        while True:
            clip, firsts = self.choices(index, attempt)
            self.health.begin(clip)
            try:
                return self._drawn(self.records[clip], firsts, index, attempt)
            except LayoutError as error:
                names = [record.id for record in self.records]
                self.health.skip(clip, names, error)
                attempt += 1
            finally:
                self.health.begin(-1)

    def choices(self, index: int, attempt: int = 0) -> tuple[int, Sequence[int]]:
        """Place of the clip of a window, and the frames at which it may begin.

        Args:
            index: Place of the window.
            attempt: How many clips have turned out to be damaged: others take their place.
        """
        clip = (index // self.windows_per_clip + attempt) % len(self.records)
        usable = self.usable(self.records[clip])
        return clip, usable[: len(usable) - self.frames + 1]

    def _drawn(self, record: ClipRecord, firsts: Sequence[int], index: int, attempt: int) -> Window:
        entropy = (self.seed, self.epoch, index, *([attempt] if attempt else []))
        state = np.random.SeedSequence(entropy).generate_state(2)
        rng = torch.Generator().manual_seed(int(state[0]) << 32 | int(state[1]))
        first = int(firsts[_draw(len(firsts), rng)])
        outside = record.frames - self.frames
        identity = _draw(outside or record.frames, rng)
        if outside and identity >= first:
            identity += self.frames
        return self.load(record, identity, first, self.frames)


class ClipDataset(_Clips):
    """Whole clips, for testing: the identity is the first frame, to be followed by all usable ones.

    Arguments and errors as ``WindowDataset``.
    """

    def __init__(
        self,
        root: Path,
        split: str,
        resolution: int = 64,
        mfcc: str = "davs",
        limit: int | None = None,
        words: int | Sequence[str] | None = None,
    ) -> None:
        super().__init__(root, split, resolution, mfcc, limit, words, needed=1)
        self.named = {record.id: record for record in self.records}

    def __len__(self) -> int:
        """Number of clips."""
        return len(self.records)

    def __getitem__(self, index: int) -> Window:
        """Read clip ``index``; images are ``uint8``."""
        record = self.records[index]
        usable = self.usable(record)
        return self.load(record, 0, usable.start, len(usable))

    def sound(self, clip: str) -> Int16[Tensor, " samples"]:
        """Sound of the usable frames of a clip by its name.

        Raises:
            KeyError: If this split has no such clip.
        """
        record = self.named[clip]
        usable, per_frame = self.usable(record), SAMPLE_RATE // FPS
        whole = ClipReader(self.root, record).sound()
        return whole[usable.start * per_frame : usable.stop * per_frame]


def spoken(record: ClipRecord, first: int, count: int) -> Bool[Tensor, " t"]:
    """Frames whose middle lies in a word; all of them where the corpus gives no words."""
    if not record.words:
        return torch.ones(count, dtype=torch.bool)
    middles = (torch.arange(first, first + count) + 0.5) / FPS
    inside = [(word.start <= middles) & (middles < word.end) for word in record.words]
    return torch.stack(inside).any(0)


def _draw(stop: int, rng: torch.Generator) -> int:
    return int(torch.randint(stop, (), generator=rng))
