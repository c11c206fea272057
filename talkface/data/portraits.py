"""The LightningDataModule of identity pre-training: still faces, and who they are."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.nn.functional import interpolate
from torch.utils.data import DataLoader, Dataset

from talkface import ranks
from talkface.data.augment import Augment, augment
from talkface.data.loading import (
    EpochSampler,
    check_least,
    is_training,
    loader,
    normalised,
    once,
    place,
    step_rng,
)
from talkface.data.portrait_layout import read_entries, read_picture, read_portraits
from talkface.data.windows import ResolutionError
from talkface.types import LANDMARKS, Portraits

JITTER = Augment()
"""Slight changes of colour and geometry."""


class PortraitDataset(Dataset[Portraits]):
    """The pictures of one split, person by person; images are ``uint8``.

    Args:
        root: Folder of a prepared corpus of portraits.
        split: Manifest to read: ``train``, ``val`` or ``unseen``.
        resolution: Side of the images in pixels, at most the stored side.
        limit: Use only the first so many pictures.

    Raises:
        ManifestNotFoundError: If there is no such corpus or split.
        LayoutError: If it is a corpus of clips, or damaged.
        ResolutionError: If the pictures are stored smaller than ``resolution``.
    """

    def __init__(
        self, root: Path, split: str, resolution: int = 64, limit: int | None = None
    ) -> None:
        corpus = read_portraits(root)
        if resolution > corpus.side:
            raise ResolutionError(root, corpus.side, resolution)
        self.root, self.resolution, self.side = root, resolution, corpus.side
        entries = list(read_entries(root, split))
        self.people = [entry.id for entry in entries]
        counts = [len(entry.spans) for entry in entries]
        self._owner = np.repeat(np.arange(len(entries)), counts)[:limit]
        self._spans = np.concatenate([np.array(entry.spans, np.int64) for entry in entries])[:limit]
        classes = {name: index for index, name in enumerate(corpus.people)}
        self._labels = [classes.get(entry.id, index) for index, entry in enumerate(entries)]

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self._owner)

    def __getitem__(self, index: int) -> Portraits:
        """Read picture ``index``."""
        owner = int(self._owner[index])
        start, stop = self._spans[index].tolist()
        image = read_picture(self.root, self.people[owner], (start, stop))
        if self.side != self.resolution:
            size = (self.resolution, self.resolution)
            image = interpolate(image[None], size, mode="bilinear", antialias=True)[0]
        where = f"{self.people[owner]} at byte {start}"
        return Portraits(image, torch.tensor(self._labels[owner]), where)


class PortraitData(LightningDataModule):
    """A prepared corpus of portraits in batches.

    Validation and test have two loaders: ``val``, unseen pictures of people trained on, and
    ``unseen``, people never trained on, whose numbers are their own. Images travel as ``uint8``
    and become floating point in [-1, 1] on the device, where they are also mirrored and
    augmented, each by a draw of its own, in training only.

    Args:
        root: Folder of a prepared corpus of portraits.
        resolution: Side of the images in pixels, at most the stored side.
        batch_size: Pictures per batch and process.
        workers: Processes that read; 0 reads in the main process.
        flip: Mirror half of the training pictures, at random.
        augment: Strength of the augmentation of training pictures; null for none.
        seed: Start of the shuffling, at least 0.
        limit: Use only the first so many pictures of each split, person by person. The classes
            remain those of the whole corpus.

    Raises:
        ManifestNotFoundError: If ``root`` is no prepared corpus.
        LayoutError: If ``root`` is a corpus of clips.
        ResolutionError: If the pictures are stored smaller than ``resolution``.
        ValueError: If a number is out of range.
    """

    def __init__(
        self,
        root: Path,
        resolution: int = 64,
        batch_size: int = 64,
        workers: int = 2,
        flip: bool = True,
        augment: Augment | None = JITTER,
        seed: int = 0,
        limit: int | None = None,
    ) -> None:
        super().__init__()
        check_least(
            resolution=(resolution, 1),
            batch_size=(batch_size, 1),
            workers=(workers, 0),
            seed=(seed, 0),
            limit=(1 if limit is None else limit, 1),
        )
        self.root, self.resolution, self.batch_size = Path(root), resolution, batch_size
        self.workers, self.flip, self.augment = workers, flip, augment
        self.seed, self.limit = seed, limit
        self.corpus = read_portraits(self.root)
        if resolution > self.corpus.side:
            raise ResolutionError(self.root, self.corpus.side, resolution)

    @property
    def people(self) -> int:
        """Number of people trained on."""
        return len(self.corpus.people)

    def setup(self, stage: str) -> None:
        """Read the manifests that ``stage`` needs.

        Raises:
            ManifestNotFoundError: If a split does not exist.
        """
        if stage == "fit":
            self.train = self._pictures("train")
        self.val, self.unseen = self._pictures("val"), self._pictures("unseen")

    def train_dataloader(self) -> DataLoader[Portraits]:
        """Shuffled pictures, in another order in every epoch."""
        replicas, rank, epoch = place(self)
        sampler = EpochSampler(self.train, replicas, rank, self.seed, self.batch_size)
        sampler.set_epoch(epoch)
        full = len(sampler) >= self.batch_size
        return self._loader(self.train, sampler=sampler, drop_last=full)

    def val_dataloader(self) -> list[DataLoader[Portraits]]:
        """Unseen pictures of people trained on; people never trained on. The order is fixed."""
        return [self._loader(d, sampler=once(self, d)) for d in (self.val, self.unseen)]

    def test_dataloader(self) -> list[DataLoader[Portraits]]:
        """The same two as for validation."""
        return self.val_dataloader()

    def on_after_batch_transfer(self, batch: Portraits, dataloader_idx: int) -> Portraits:
        """Turn images into floating point in [-1, 1]; in training mirror and augment them."""
        images = normalised(batch.image)
        if is_training(self):
            images = self._changed(images)
        return batch._replace(image=images)

    def _changed(self, images: Tensor) -> Tensor:
        rng = step_rng(self)
        if self.flip:
            draw = ranks.rows(lambda n: torch.rand(n, generator=rng), len(images))
            mirrored = (draw < 0.5).to(images.device)  # noqa: PLR2004
            images = torch.where(mirrored[:, None, None, None], images.flip(-1), images)
        if self.augment is None:
            return images
        nowhere = images.new_zeros(len(images), 1, LANDMARKS, 2)
        return augment(images[:, None], nowhere, self.augment, rng)[0][:, 0]

    def _pictures(self, split: str) -> PortraitDataset:
        return PortraitDataset(self.root, split, self.resolution, self.limit)

    def _loader(self, dataset: PortraitDataset, **options: Any) -> DataLoader[Portraits]:
        return loader(dataset, self.batch_size, self.workers, **options)
