"""What is diagnosed: a checkpoint, and clips of a prepared corpus."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch.utils.data import default_collate

from talkface.data.loading import normalised
from talkface.data.windows import ClipDataset
from talkface.metrics.image import unit
from talkface.metrics.reader import FittedReader
from talkface.render.checkpoint import load_model
from talkface.system import TalkFace
from talkface.types import Window

SPACING = 4
"""Every so many frames of a training clip are shown to the reader: neighbours are alike."""

CROPS = 1500
"""Most crops that it is fitted on."""


@dataclass(frozen=True)
class Settings:
    """How much is looked at.

    Attributes:
        split: Whose clips are rendered and encoded.
        clips: Most of them; spread evenly over the split.
        train_clips: Most training clips, to fit a reader on and to look for what is repeated.
        probe_clips: Most clips with words, for the probe.
        probe_words: Most words that the probe tells apart: those that most clips have.
        batches: Training batches whose gradients are taken.
        batch_size: Windows in each of them.
        seed: Start of all draws.
    """

    split: str = "test"
    clips: int = 8
    train_clips: int = 100
    probe_clips: int = 120
    probe_words: int = 12
    batches: int = 4
    batch_size: int = 6
    seed: int = 0


class Subject:
    """A checkpoint, and clips as its networks see them.

    Args:
        checkpoint: File that ``talkface fit`` wrote.
        root: Folder of a prepared corpus.
        settings: How much is looked at.
        device: Where to compute.

    Raises:
        CheckpointError: The file is no checkpoint of this system.
        ManifestNotFoundError: There is no such corpus or split.
        ResolutionError: The clips are stored smaller than the model renders.
    """

    def __init__(
        self, checkpoint: Path, root: Path, settings: Settings, device: str = "cpu"
    ) -> None:
        self.checkpoint, self.root, self.settings = checkpoint, root, settings
        self.model: TalkFace = load_model(checkpoint, device)
        self.model.requires_grad_(False)
        self.shown = self.split(settings.split)

    def split(self, name: str) -> ClipDataset:
        """All clips of a split, whole."""
        return ClipDataset(self.root, name, self.model.resolution, self.model.mfcc)

    @cached_property
    def training(self) -> ClipDataset:
        """The training clips."""
        return self.split("train")

    def windows(self) -> list[Window]:
        """The clips that are rendered and encoded, each a batch of one."""
        places = spread(len(self.shown), self.settings.clips)
        return [self.window(self.shown, index) for index in places]

    def window(self, clips: ClipDataset, index: int) -> Window:
        """A whole clip, a batch of one on the device, images in [-1, 1]."""
        return on_device(clips[index], self.model.device)

    def training_windows(self) -> Iterator[Window]:
        """Training clips one after the other, spread evenly over the split."""
        for index in spread(len(self.training), self.settings.train_clips):
            yield self.window(self.training, index)

    @cached_property
    def reader(self) -> FittedReader:
        """Reads openings, fitted on crops of training clips.

        Raises:
            ValueError: If too few of them have landmarks.
        """
        frames, landmarks, seen = [], [], 0
        for window in self.training_windows():
            frames.append(unit(window.frames[0, ::SPACING]))
            landmarks.append(window.landmarks[0, ::SPACING])
            seen += len(frames[-1])
            if seen >= CROPS:
                break
        reader = FittedReader(seed=self.settings.seed)
        reader.fit(torch.cat(frames), torch.cat(landmarks))
        return reader


def on_device(window: Window, device: torch.device) -> Window:
    """A window of a dataset as a batch of one on a device, images in [-1, 1]."""
    batch: Window = default_collate([window])
    moved = Window._make(x.to(device) if isinstance(x, torch.Tensor) else x for x in batch)
    frames = normalised(moved.frames)
    return moved._replace(identity=normalised(moved.identity), frames=frames, driving=frames)


def spread(count: int, wanted: int) -> list[int]:
    """At most ``wanted`` of ``count`` places, evenly spread, the first among them."""
    wanted = min(count, wanted)
    return [index * count // wanted for index in range(wanted)]
