"""A few rendered clips, kept beside the table of a test for figures and reports to show.

::

    FOLDER/renderings/CLIP.npz     every row's frames, the portrait, the sound, true landmarks
    FOLDER/renderings/CLIP.mp4     the rows side by side, with the sound
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from jaxtyping import Float, Int16, UInt8
from torch import Tensor

from talkface.data.encode import write_video
from talkface.data.layout import write_aside

FOLDER = "renderings"
SIDE_BY_SIDE = ("truth", "audio", "video")
FRAMES = "frames_"


class RenderingsNotFoundError(FileNotFoundError):
    """A folder holds no kept renderings, or not of the clip that is asked for."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(
            f"No renderings in {folder} ({reason}). Give a folder that `talkface test` of this "
            "version wrote; `--evaluation.kept N` says of how many clips renderings are kept."
        )


@dataclass(frozen=True)
class Renderings:
    """What a test rendered for one clip.

    Attributes:
        clip: Its name.
        identity: The portrait.
        rows: Frames by row, ``truth`` among them.
        sound: Mono sound of these frames.
        landmarks: True iBUG-68 points in crop pixels, NaN where unknown.
    """

    clip: str
    identity: UInt8[Tensor, "3 S S"]
    rows: dict[str, UInt8[Tensor, "_ 3 S S"]]
    sound: Int16[Tensor, " samples"]
    landmarks: Float[Tensor, "t 68 2"]

    def write(self, folder: Path) -> None:
        """Write the clip as data and as a video of its rows side by side."""
        path = folder / FOLDER / f"{self.clip}.npz"
        arrays: dict[str, Any] = {FRAMES + row: frames.numpy() for row, frames in self.rows.items()}
        arrays |= {name: getattr(self, name).numpy() for name in ("identity", "sound", "landmarks")}
        with write_aside(path) as file:
            np.savez_compressed(file, **arrays)
        shown = [self.rows[row] for row in SIDE_BY_SIDE if row in self.rows]
        beside = torch.cat(shown, dim=3)
        write_video(path.with_suffix(".mp4"), beside, self.sound)

    @classmethod
    def read(cls, folder: Path, clip: str) -> "Renderings":
        """Read the clip back.

        Raises:
            RenderingsNotFoundError: If there is none, or it is damaged.
        """
        path = folder / FOLDER / f"{clip}.npz"
        try:
            with np.load(path) as arrays:
                tensors = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
            rows = {n.removeprefix(FRAMES): t for n, t in tensors.items() if n.startswith(FRAMES)}
            return cls(clip, tensors["identity"], rows, tensors["sound"], tensors["landmarks"])
        except FileNotFoundError as error:
            known = ", ".join(kept_clips(folder)) or "none at all"
            raise RenderingsNotFoundError(folder, f"of {clip!r}; there are: {known}") from error
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise RenderingsNotFoundError(folder, f"{path} is damaged: {error}") from error


def kept_clips(folder: Path) -> list[str]:
    """Names of the clips whose renderings lie in the folder of a test."""
    root = folder / FOLDER
    return sorted(path.relative_to(root).with_suffix("").as_posix() for path in root.rglob("*.npz"))
