"""Close-ups of the places where small holes are worst."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Int64
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional as F

from talkface.figures.moments import seconds
from talkface.figures.pictures import Box, box_around, closeup, marked
from talkface.figures.sheet import Block, Row, Tile, sheet
from talkface.figures.sources import Match
from talkface.metrics.holes import hole_mask

PLACES = 3
SHARE = 4
"""A close-up is so many times smaller than the frame."""

HEADINGS = ("truth", "rendered", "holes")

LATER = 10
"""A place of a clip is not shown again within so many frames."""


class Hole(NamedTuple):
    """A place with holes.

    Attributes:
        clip: Index of the clip.
        frame: Index of the frame.
        box: The part around the middle of the holes.
        pixels: How many of its pixels lie in holes.
    """

    clip: int
    frame: int
    box: Box
    pixels: int


def worst(masks: Sequence[Bool[Tensor, "_ S S"]], places: int) -> list[Hole]:
    """The squares with the most marked pixels, worst first, each place once.

    Args:
        masks: Pixels that lie in holes, by clip.
        places: At most so many; fewer if nothing else is marked.
    """
    masks = [mask.clone() for mask in masks]
    found: list[Hole] = []
    while len(found) < places:
        peaks = [int(_density(mask).amax()) for mask in masks]
        clip = max(range(len(masks)), key=peaks.__getitem__)
        if peaks[clip] == 0:
            break
        hole = _hole(masks[clip], clip)
        found.append(hole)
        top, left, side = hole.box
        run = slice(max(0, hole.frame - LATER), hole.frame + LATER + 1)
        masks[clip][run, top : top + side, left : left + side] = False
    return found


def _density(mask: Bool[Tensor, "t S S"]) -> Int64[Tensor, "t y x"]:
    """Marked pixels in every square that a close-up could show, by its upper left corner."""
    side = mask.shape[-1] // SHARE
    above_left = F.pad(mask.long().cumsum(1).cumsum(2), (1, 0, 1, 0))
    columns = above_left[:, :, side:] - above_left[:, :, :-side]
    return columns[:, side:] - columns[:, :-side]


def _hole(mask: Bool[Tensor, "t S S"], clip: int) -> Hole:
    """The square with the most marked pixels, moved so that they are in its middle."""
    side = mask.shape[-1] // SHARE
    density = _density(mask)
    frame, top, left = (int(i) for i in torch.unravel_index(density.argmax(), density.shape))
    rows, columns = mask[frame, top : top + side, left : left + side].nonzero().double().unbind(1)
    box = box_around(left + float(columns.mean()), top + float(rows.mean()), side, mask.shape[-1])
    inside = mask[frame, box.top : box.top + side, box.left : box.left + side]
    return Hole(clip, frame, box, int(inside.sum()))


def draw_holes(matches: Sequence[Match], places: int = PLACES) -> Figure:
    """For every run its worst places: true, as rendered, and with the pixels in holes marked.

    Beside the name of a run stands the share of its pixels in holes, in per mille, over all frames
    of these clips; below a place, that of its frame. Pixels are shown as squares.

    Args:
        matches: Clips of the same runs; at least one, all of one size.
        places: Most places of each run.
    """
    names = list(matches[0].frames)
    masks = {name: [_mask(match, name) for match in matches] for name in names}
    found = {name: worst(masks[name], places) for name in names}
    most = max(len(holes) for holes in found.values())
    rows = [_row(name, matches, masks[name], found[name]) for name in names]
    clips, frames = len(matches), sum(len(match.truth.rows["truth"]) for match in matches)
    title = f"Small holes in {frames} frames of {clips} clip{'s' * (clips > 1)}"
    headings = list(HEADINGS) * most
    return sheet([Block(title, headings, rows)], [len(HEADINGS)] * max(most, 1))


def _mask(match: Match, name: str) -> Bool[Tensor, "t S S"]:
    truth = match.truth.rows["truth"].float() / 255
    return hole_mask(match.frames[name].float() / 255, truth)


def _row(
    name: str,
    matches: Sequence[Match],
    masks: Sequence[Bool[Tensor, "_ S S"]],
    holes: Sequence[Hole],
) -> Row:
    share = 1000 * sum(int(mask.sum()) for mask in masks) / sum(mask.numel() for mask in masks)
    tiles: list[Tile] = []
    for hole in holes:
        match, mask = matches[hole.clip], masks[hole.clip][hole.frame]
        true, fake = match.truth.rows["truth"][hole.frame], match.frames[name][hole.frame]
        note = (
            f"{match.truth.clip}, {seconds(hole.frame)}\n"
            f"{hole.pixels} pixels, frame {1000 * float(mask.float().mean()):.2f} ‰"
        )
        shown = (true, fake, marked(fake, mask))
        places = [closeup(frame, hole.box, smooth=False) for frame in shown]
        tiles += [Tile(place, note * (i == 1)) for i, place in enumerate(places)]
    message = "" if holes else "no hole in any frame"
    return Row(f"{name}\n{share:.3f} ‰", tiles, message)
