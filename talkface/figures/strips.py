"""Strips: a few frames of one clip side by side, one labelled row for every way to make them."""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from jaxtyping import Float, Int64, UInt8
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.nn import functional as F

TILE = 128
"""Frames smaller than this are enlarged by a whole factor."""

GAP = 4
BACKGROUND = 255
INK = (32, 32, 32)
FONT_SIZE = 15


def strip(
    rows: Mapping[str, Float[Tensor, "_ 3 h w"]], columns: int = 8
) -> UInt8[Tensor, "height width 3"]:
    """Frames at evenly spaced moments, one row for every entry, its name on the left.

    Args:
        rows: Frames in [0, 1] by label, all of one size. A row of a single frame shows it once.
        columns: How many moments, from the first to the last frame of the longest row.

    Raises:
        ValueError: If there is nothing to draw or the frames differ in size.
    """
    sizes = {tuple(frames.shape[2:]) for frames in rows.values()}
    if len(sizes) != 1 or columns < 1 or not all(len(frames) for frames in rows.values()):
        raise ValueError(
            f"A strip needs at least one column and rows of at least one frame, all of one size, "
            f"but got {columns} columns and rows "
            f"{ {name: tuple(frames.shape) for name, frames in rows.items()} }."
        )
    moments = evenly(max(len(frames) for frames in rows.values()), columns)
    factor = whole_factor(min(sizes.pop()))
    lines = []
    for frames in rows.values():
        shown = frames[:1] if len(frames) == 1 else frames[moments[moments < len(frames)]]
        lines.append(_line(shown, len(moments), factor))
    tiles = torch.cat(lines)
    return torch.cat([_labels(list(rows), len(tiles)), tiles], dim=1)


def evenly(frames: int, columns: int) -> Int64[Tensor, " moments"]:
    """At most ``columns`` evenly spaced frames, the first and the last among them."""
    return torch.linspace(0, frames - 1, min(columns, frames)).round().long()


def whole_factor(side: int) -> int:
    """How many times a picture is enlarged so that it is at least ``TILE`` pixels wide."""
    return max(1, math.ceil(TILE / side))


def enlarged(levels: Float[Tensor, "n 3 h w"], factor: int) -> UInt8[Tensor, "n 3 y x"]:
    """Pictures, given in [0, 255], a whole ``factor`` larger."""
    if factor > 1:
        levels = F.interpolate(levels, scale_factor=factor, mode="bicubic")
    return levels.clamp(0, 255).round().to(torch.uint8)


def _line(frames: Float[Tensor, "n 3 h w"], columns: int, factor: int) -> UInt8[Tensor, "y x 3"]:
    """One row of tiles, each with a gap on the right and below."""
    tiles = enlarged(frames.detach().float().cpu().clamp(0, 1) * 255, factor)
    tiles = F.pad(tiles, (0, GAP, 0, GAP), value=BACKGROUND)
    missing = torch.full_like(tiles[:1], BACKGROUND).expand(columns - len(tiles), -1, -1, -1)
    return torch.cat([tiles, missing]).permute(2, 0, 3, 1).flatten(1, 2)


def _labels(names: Sequence[str], height: int) -> UInt8[Tensor, "{height} x 3"]:
    font = ImageFont.load_default(FONT_SIZE)
    width = math.ceil(max(font.getlength(name) for name in names)) + 4 * GAP
    picture = Image.new("RGB", (width, height), (BACKGROUND,) * 3)
    draw = ImageDraw.Draw(picture)
    for index, name in enumerate(names):
        middle = (index + 0.5) * height / len(names)
        draw.text((2 * GAP, middle), name, fill=INK, font=font, anchor="lm")
    return _pixels(picture)


def _pixels(picture: Image.Image) -> UInt8[Tensor, "y x 3"]:
    flat = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
    return flat.view(picture.height, picture.width, 3)


def stack(images: Sequence[UInt8[Tensor, "_ _ 3"]]) -> UInt8[Tensor, "height width 3"]:
    """Pictures below each other, the narrower ones filled up on the right."""
    width = max(image.shape[1] for image in images)
    padded = [
        F.pad(image, (0, 0, 0, width - image.shape[1], 0, 3 * GAP), value=BACKGROUND)
        for image in images
    ]
    return torch.cat(padded)[: -3 * GAP]


def save_png(image: UInt8[Tensor, "height width 3"], path: Path) -> None:
    """Write ``image``, making its folder; the name appears only when the file is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.part")
    Image.fromarray(image.cpu().numpy()).save(aside, format="PNG")
    os.replace(aside, path)  # noqa: PTH105 (atomic on every platform)
