"""What the arms rendered: matched strips, and videos that a page can hold."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from talkface.data.renderings import FOLDER, Renderings, kept_clips
from talkface.figures import strip
from talkface.metrics.table import ROWS
from talkface.report.arms import Arm
from talkface.report.plots import cut
from talkface.report.runs import Run

MOMENTS = 8
LARGEST_VIDEO = 2_000_000
"""Bytes of a video that a page holds."""

LARGEST_PAGE = 24_000_000
"""Bytes of all videos of a page together."""

QUALITY = 92


@dataclass(frozen=True)
class Video:
    """A clip of one arm, its rows side by side.

    Attributes:
        clip: Its name.
        arm: Name of the arm.
        path: The file.
        uri: The same as a data URI, None where it is too large for a page.
    """

    clip: str
    arm: str
    path: Path
    uri: str | None


def shown_run(arm: Arm) -> Run | None:
    """The run whose pictures stand for the arm: that of its first seed which kept some."""
    return next((run for run in arm.tested if run.test and kept_clips(run.test)), None)


def strips(arms: Sequence[Arm], rows: Sequence[str]) -> dict[str, UInt8[Tensor, "height width 3"]]:
    """The clips that all arms with pictures kept: the truth, then every row of every arm.

    Args:
        arms: Those without pictures are left out.
        rows: Rows that depend on the arm.

    Raises:
        RenderingsNotFoundError: If a file is damaged.
    """
    folders = {arm.name: run.test for arm in arms if (run := shown_run(arm)) and run.test}
    kept = [set(kept_clips(folder)) for folder in folders.values()]
    labels = _labels(list(folders))
    pictures = {}
    for clip in sorted(set.intersection(*kept)) if kept else []:
        all_of = {name: Renderings.read(folder, clip) for name, folder in folders.items()}
        first = next(iter(all_of.values()))
        lines = {ROWS["truth"]: first.rows["truth"] / 255}
        for row in rows:
            for name, found in all_of.items():
                if row in found.rows and found.rows[row].shape[2:] == first.identity.shape[1:]:
                    lines[f"{labels[name]}, {ROWS.get(row, row)}"] = found.rows[row] / 255
        pictures[clip] = strip(lines, MOMENTS)
    return pictures


def _labels(names: Sequence[str]) -> dict[str, str]:
    """Short names, unless they would be the same."""
    short = {name: cut(name) for name in names}
    return short if len(set(short.values())) == len(short) else {name: name for name in names}


def videos(arms: Sequence[Arm]) -> list[Video]:
    """Videos of the clips that were kept, clip by clip, arms side by side."""
    found: list[Video] = []
    left = LARGEST_PAGE
    folders = {arm.name: run.test for arm in arms if (run := shown_run(arm)) and run.test}
    clips = dict.fromkeys(clip for folder in folders.values() for clip in kept_clips(folder))
    for clip in clips:
        for name, folder in folders.items():
            path = folder / FOLDER / f"{clip}.mp4"
            if path.is_file():
                size = path.stat().st_size
                fits = size <= min(LARGEST_VIDEO, left)
                left -= size * fits
                uri = data_uri(path.read_bytes(), "video/mp4") if fits else None
                found.append(Video(clip, name, path, uri))
    return found


def picture_uri(image: UInt8[Tensor, "height width 3"]) -> str:
    """A picture as a data URI, compressed with little loss."""
    packed = io.BytesIO()
    Image.fromarray(image.numpy()).save(packed, "JPEG", quality=QUALITY, subsampling=0)
    return data_uri(packed.getvalue(), "image/jpeg")


def data_uri(content: bytes, kind: str) -> str:
    """Content that a page holds itself.

    Args:
        content: The bytes of a file.
        kind: Its media type.
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
