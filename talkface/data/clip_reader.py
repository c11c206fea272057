"""Random access to a stored clip."""

import io
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from jaxtyping import Float, Int16, UInt8
from torch import Tensor
from torchvision.io import ImageReadMode, decode_jpeg

from talkface.data.files import clip_files
from talkface.data.records import ClipRecord


class ClipReader:
    """Random access to one stored clip; reads only the bytes that are asked for.

    Args:
        root: Folder of the corpus, or of its shards.
        record: Line of the manifest.

    Raises:
        LayoutError: If files of the clip are missing or damaged.
    """

    def __init__(self, root: Path, record: ClipRecord) -> None:
        self.record = record
        self._files = clip_files(root)
        self._arrays = self._load("offsets", "landmarks", "sound")

    def frames(self, indices: Sequence[int]) -> UInt8[Tensor, "n 3 side side"]:
        """Decode the frames at ``indices``, in that order."""
        for index in indices:
            if not 0 <= index < self.record.frames:
                raise IndexError(
                    f"Clip {self.record.id!r} has no frame {index}, only 0 to "
                    f"{self.record.frames - 1}."
                )
        clip, offsets = self.record.id, self._arrays["offsets"]
        if len(offsets) != self.record.frames + 1:
            raise self._files.damage(clip, "npz", f"{len(offsets)} offsets of frames")
        spans = [(int(offsets[index]), int(offsets[index + 1])) for index in indices]
        parts = self._files.read_spans(clip, "jpgs", spans)
        try:
            images = [torch.frombuffer(bytearray(part), dtype=torch.uint8) for part in parts]
            decoded: list[Tensor] = decode_jpeg(images, ImageReadMode.RGB)
            return torch.stack(decoded)
        except (RuntimeError, ValueError) as error:
            raise self._files.damage(clip, "jpgs", error) from error

    @property
    def offsets(self) -> list[int]:
        """Where the frames begin in their file, in bytes, and where the last one ends."""
        offsets: list[int] = self._arrays["offsets"].tolist()
        return offsets

    def sound(self) -> Int16[Tensor, " samples"]:
        """All samples of the clip."""
        return torch.from_numpy(self._arrays["sound"])

    def landmarks(self) -> Float[Tensor, "n 68 2"]:
        """Points of all frames in crop pixels, NaN where unknown."""
        return torch.from_numpy(self._arrays["landmarks"])

    def transforms(self) -> Float[Tensor, "n 2 3"]:
        """Affine maps of all frames from source pixels to crop pixels."""
        return torch.from_numpy(self._load("transforms")["transforms"])

    def check(self) -> None:
        """Look whether the files are whole and agree with the record; decodes no picture.

        Raises:
            LayoutError: If they are not.
        """
        clip, offsets = self.record.id, self._arrays["offsets"]
        found = (len(offsets) - 1, len(self._arrays["landmarks"]), len(self._arrays["sound"]))
        expected = (self.record.frames, self.record.frames, self.record.samples)
        if found != expected:
            raise self._files.damage(
                clip, "npz", f"frames, landmarks, samples are {found}, the record says {expected}"
            )
        self._files.read_spans(clip, "jpgs", [(int(offsets[-2]), int(offsets[-1]))])

    def _load(self, *names: str) -> dict[str, np.ndarray]:
        data = self._files.read(self.record.id, "npz")
        try:
            with np.load(io.BytesIO(data)) as arrays:
                return {name: arrays[name] for name in names}
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise self._files.damage(self.record.id, "npz", error) from error
