"""The LightningDataModule: windows for training, whole clips for testing."""

from pathlib import Path
from typing import Any

from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader, Dataset, default_collate

from talkface.data.augment import Augment, augment
from talkface.data.balance import BalancedWindows
from talkface.data.layout import read_corpus
from talkface.data.loading import (
    TIMEOUT,
    EpochSampler,
    check_least,
    is_training,
    loader,
    normalised,
    once,
    place,
    step_rng,
)
from talkface.data.vocabulary import choose_words
from talkface.data.windows import MAX_SKIPS, ClipDataset, ResolutionError, WindowDataset
from talkface.types import Window

MILD = Augment()
"""Slight changes of colour and geometry."""


class TalkFaceData(LightningDataModule):
    """A prepared corpus in batches.

    Training and validation see windows of ``frames`` frames, testing and prediction whole clips
    one at a time. Images travel as ``uint8`` and become floating point in [-1, 1] on the device,
    where driving frames are also augmented, in training only.

    Args:
        root: Folder of a prepared corpus.
        resolution: Side of the images in pixels, at most the stored side.
        frames: Frames per window.
        batch_size: Windows per batch and process.
        workers: Processes that read; 0 reads in the main process. Does not change the batches.
        mfcc: Preset of the sound features.
        augment: Strength of the augmentation of driving frames; null for none.
        windows_per_clip: Windows drawn from each clip in one epoch.
        seed: Start of all draws of windows, at least 0.
        test_split: Manifest that ``test`` and ``predict`` read.
        limit: Use only the first so many clips of each split.
        words: Use only clips with one of these words; they are the classes of the word adversary.
            A number takes so many, evenly spread over the words of the corpus; null takes all.
        balanced: Train on every word equally often, however many clips have it.
        max_skips: Damaged clips to do without; the next clip takes the place of one.
        timeout: Seconds to wait for a batch of the workers; 0 for ever.

    Raises:
        ManifestNotFoundError: If ``root`` is no prepared corpus.
        ResolutionError: If the clips are stored smaller than ``resolution``.
        VocabularyError: If the corpus does not have the ``words``.
        ValueError: If a number is out of range.
    """

    def __init__(
        self,
        root: Path,
        resolution: int = 64,
        frames: int = 20,
        batch_size: int = 8,
        workers: int = 2,
        mfcc: str = "davs",
        augment: Augment | None = MILD,
        windows_per_clip: int = 1,
        seed: int = 0,
        test_split: str = "test",
        limit: int | None = None,
        words: int | list[str] | None = None,
        balanced: bool = False,
        max_skips: int = MAX_SKIPS,
        timeout: int = TIMEOUT,
    ) -> None:
        super().__init__()
        check_least(
            resolution=(resolution, 1),
            frames=(frames, 1),
            batch_size=(batch_size, 1),
            workers=(workers, 0),
            windows_per_clip=(windows_per_clip, 1),
            seed=(seed, 0),
            limit=(1 if limit is None else limit, 1),
            max_skips=(max_skips, 0),
            timeout=(timeout, 0),
        )
        self.root, self.resolution, self.frames, self.mfcc = Path(root), resolution, frames, mfcc
        self.batch_size, self.workers, self.augment = batch_size, workers, augment
        self.windows_per_clip, self.seed = windows_per_clip, seed
        self.test_split, self.limit, self.words = test_split, limit, words
        self.balanced, self.max_skips, self.timeout = balanced, max_skips, timeout
        self.corpus = read_corpus(self.root)
        self.vocabulary = choose_words(self.root, self.corpus.words, words)
        if resolution > self.corpus.side:
            raise ResolutionError(self.root, self.corpus.side, resolution)

    @property
    def classes(self) -> int:
        """Number of words that are told apart."""
        return len(self.vocabulary)

    def setup(self, stage: str) -> None:
        """Read the manifests that ``stage`` needs.

        Raises:
            ManifestNotFoundError: If a split does not exist.
            NoUsableClipError: If ``frames`` is longer than every clip of a split.
            ShardError: If shards are missing or truncated.
            VocabularyError: If words are to be balanced, but there are none.
        """
        if stage == "fit":
            kind = BalancedWindows if self.balanced else WindowDataset
            self.train = self._windows("train", self.windows_per_clip, kind)
        if stage in {"fit", "validate"}:
            self.val = self._windows("val", 1)
        if stage in {"test", "predict"}:
            self.test = ClipDataset(
                self.root, self.test_split, self.resolution, self.mfcc, self.limit, self.words
            )

    def train_dataloader(self) -> DataLoader[Window]:
        """Shuffled windows, other ones in every epoch."""
        replicas, rank, epoch = place(self)
        sampler = EpochSampler(self.train, replicas, rank, self.seed, self.batch_size)
        sampler.set_epoch(epoch)
        full = len(sampler) >= self.batch_size
        return self._loader(self.train, self.batch_size, sampler=sampler, drop_last=full)

    def val_dataloader(self) -> DataLoader[Window]:
        """The same windows of the ``val`` split every time."""
        return self._loader(self.val, self.batch_size, sampler=once(self, self.val))

    def test_dataloader(self) -> DataLoader[Window]:
        """Whole clips, one per batch."""
        return self._loader(self.test, 1, sampler=once(self, self.test))

    def predict_dataloader(self) -> DataLoader[Window]:
        """The same clips as ``test``."""
        return self.test_dataloader()

    def on_after_batch_transfer(self, batch: Window, dataloader_idx: int) -> Window:
        """Turn images into floating point in [-1, 1] and make the driving frames."""
        frames = normalised(batch.frames)
        driving, moved = frames, batch.landmarks
        if self.augment is not None and is_training(self):
            driving, moved = augment(frames, batch.landmarks, self.augment, step_rng(self))
        return batch._replace(
            identity=normalised(batch.identity),
            frames=frames,
            driving=driving,
            driving_landmarks=moved,
        )

    def _windows(
        self, split: str, windows_per_clip: int, kind: type[WindowDataset] = WindowDataset
    ) -> WindowDataset:
        return kind(
            self.root,
            split,
            self.frames,
            self.resolution,
            self.mfcc,
            windows_per_clip,
            self.seed,
            self.limit,
            self.words,
            self.max_skips,
        )

    def _loader(
        self, dataset: Dataset[Window], batch_size: int, **options: Any
    ) -> DataLoader[Window]:
        return loader(dataset, batch_size, self.workers, _stacked, self.timeout, **options)


def _stacked(windows: list[Window]) -> Window:
    """A batch. Driving frames are the frames until they are augmented: not copied twice."""
    lean = [w._replace(driving=w.label, driving_landmarks=w.label) for w in windows]
    batch: Window = default_collate(lean)
    return batch._replace(driving=batch.frames, driving_landmarks=batch.landmarks)
