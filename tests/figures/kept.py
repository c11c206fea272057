"""Renderings as a test keeps them, whose every opening and level is known."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.text import Text
from torch import Tensor

from talkface.data.renderings import Renderings
from tests import fakes

SIDE = 32
OPENING = (0.3, 0.1, 0.6, 0.2, 0.9, 0.4, 0.0, 0.5)
"""Widest in frame 4, closed in frame 6."""


def renderings(
    clip: str = "a", *, error: int = 20, side: int = SIDE, opening: Sequence[float] = OPENING
) -> Renderings:
    """A painted clip; both drives are ``error`` levels darker than it."""
    gape = torch.tensor(opening)
    points = fakes.landmarks(gape, side)
    truth = fakes.paint(points, side, (220, 180, 160))
    fake = (truth.int() - error).clamp(0, 255).to(torch.uint8)
    rows = {"truth": truth, "copy": truth[:1].expand_as(truth), "audio": fake, "video": fake}
    sound = fakes.speech(gape, 120.0)
    return Renderings(clip, truth[0], rows, sound, points)


def keep(folder: Path, *clips: str, error: int = 20, side: int = SIDE) -> Path:
    """A folder of a test that has kept these clips."""
    for clip in clips:
        renderings(clip, error=error, side=side).write(folder)
    return folder


def tiles(figure: Figure) -> list[Tensor]:
    """Pictures of a sheet, 3 x L x L, in the order of drawing: row by row, from the left."""
    arrays = [image.get_array() for image in figure.axes[0].images]
    return [torch.tensor(array).permute(2, 0, 1) for array in arrays if array is not None]


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in _shown(figure)]


def _shown(figure: Figure) -> list[Text]:
    return [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text()]


def overlaps(figure: Figure) -> list[tuple[str, str]]:
    """Texts that cover each other, or leave the page."""
    _printed(figure)
    seen = [text for text in _shown(figure) if text.get_visible()]
    boxes = [(text.get_text(), text.get_window_extent().padded(-1)) for text in seen]
    page = figure.bbox
    found = [
        (name, "page")
        for name, box in boxes
        if not (page.contains(*box.min) and page.contains(*box.max))
    ]
    pairs = ((a, b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])
    return found + [(a[0], b[0]) for a, b in pairs if a[1].overlaps(b[1])]


def pixels(figure: Figure) -> Tensor:
    """The page as it is printed, height x width x 3."""
    return torch.from_numpy(_printed(figure))[..., :3]


def _printed(figure: Figure) -> np.ndarray:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="rgba", dpi=figure.dpi)
    width, height = (round(inches * figure.dpi) for inches in figure.get_size_inches())
    flat = np.frombuffer(bytearray(buffer.getvalue()), dtype=np.uint8)
    return flat.reshape(height, width, 4)
