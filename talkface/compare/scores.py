"""The figures of one video, and the files in which they wait for a second run."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from talkface.compare.folders import Clip
from talkface.compare.settings import Settings
from talkface.data.layout import write_aside
from talkface.data.media import MediaError, read_image
from talkface.figures import save_png
from talkface.metrics.table import number, plain


@dataclass(frozen=True)
class Score:
    """What was found about one video.

    Attributes:
        row: The method, or ``truth`` or ``copy``.
        clip: Name of the clip.
        frames: Frames that were judged.
        first: Frame of the true clip that the first of them is compared with.
        figures: Figures by name, NaN where one is not defined.
        mouth: Openings of the mouth, frame by frame, NaN where unknown; empty if not read.
        eyes: Openings of the eyes likewise.
        bridged: Frames in which no face was found.
        silent: Sync figures were asked for, but the true clip has no sound.
        refused: Why it has no figures, or None.
    """

    row: str
    clip: str
    frames: int = 0
    first: int = 0
    figures: Mapping[str, float] = field(default_factory=dict)
    mouth: Sequence[float] = ()
    eyes: Sequence[float] = ()
    bridged: int = 0
    silent: bool = False
    refused: str | None = None


@dataclass(frozen=True)
class Store:
    """Scores in files, ``OUTPUT/clips/ROW/CLIP.json``, each written whole or not at all.

    Attributes:
        output: Folder of all results.
        settings: What scores depend on; those of other settings, or of files that changed since,
            are not seen.
    """

    output: Path
    settings: Settings

    def read(self, clip: Clip, row: str) -> Score | None:
        """The score of a video, if it is there with all that belongs to it."""
        try:
            tree = json.loads(self._file(clip.name, row, "json").read_text(encoding="utf-8"))
            if tree.pop("key") != self.key(clip, row):
                return None
            score = _from_json(tree)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        complete = not clip.pictured or score.refused or self.tiles(clip.name, row) is not None
        return score if complete else None

    def write(self, clip: Clip, score: Score, tiles: Float[Tensor, "n 3 S S"] | None) -> None:
        """Keep a score, after the frames for a strip if there are any."""
        if tiles is not None:
            levels = (tiles * 255).round().byte()
            picture = levels.permute(2, 0, 3, 1).flatten(1, 2)
            save_png(picture, self._file(clip.name, score.row, "png"))
        tree = _to_json(score) | {"key": self.key(clip, score.row)}
        with write_aside(self._file(clip.name, score.row, "json")) as file:
            file.write((json.dumps(tree, allow_nan=False) + "\n").encode())

    def tiles(self, clip: str, row: str) -> Float[Tensor, "n 3 S S"] | None:
        """The frames kept for a strip, in [0, 1]; None if there are none."""
        try:
            picture: UInt8[Tensor, "3 S w"] = read_image(self._file(clip, row, "png"))
        except MediaError:
            return None
        side = picture.shape[1]
        return torch.stack(picture.split(side, dim=2)).float() / 255

    def key(self, clip: Clip, row: str) -> str:
        """The fingerprint under which the score of a video is known again."""
        return self.settings.key(row, clip.real, clip.videos.get(row))

    def _file(self, clip: str, row: str, suffix: str) -> Path:
        return self.output / "clips" / row / f"{clip}.{suffix}"


def _to_json(score: Score) -> dict[str, Any]:
    tree = dict(vars(score))
    tree["figures"] = {name: plain(value) for name, value in score.figures.items()}
    for motion in ("mouth", "eyes"):
        tree[motion] = [plain(value) for value in tree[motion]]
    return tree


def _from_json(tree: dict[str, Any]) -> Score:
    figures = {name: number(value) for name, value in tree["figures"].items()}
    motions = {name: [number(value) for value in tree[name]] for name in ("mouth", "eyes")}
    return Score(**{**tree, "figures": figures, **motions})
