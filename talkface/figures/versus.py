"""Runs against each other: the same moments of the same clip, whole and close to the mouth."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from talkface.data.renderings import Renderings
from talkface.figures.moments import frame_at, nearest_known, seconds, widest_and_closed
from talkface.figures.pictures import Box, closeup, mouth_box, tile
from talkface.figures.sheet import Block, Row, Tile, sheet
from talkface.figures.sources import Match


def draw_versus(matches: Sequence[Match], moments: Sequence[float] = ()) -> Figure:
    """Truth on top, then one row for every run: a face and its mouth at every moment.

    The close-up is cut where the true mouth is, in all rows alike.

    Args:
        matches: Clips of the same runs; at least one, all of one size.
        moments: Times in seconds, counted from the first rendered frame; without any, the moments
            at which the true mouth is open widest and least.

    Raises:
        MomentError: If a clip is shorter than that.
        NoLandmarksError: If nothing says where the mouth of a clip is.
    """
    blocks = [_block(match, moments) for match in matches]
    return sheet(blocks, [2] * (len(moments) or 2))


def _block(match: Match, moments: Sequence[float]) -> Block:
    truth = match.truth
    chosen = _chosen(truth, moments)
    boxes = [(frame, _mouth(truth, frame)) for frame, _ in chosen]
    headings = [text for frame, what in chosen for text in (seconds(frame), what)]
    rows = []
    for name, frames in {"ground truth": truth.rows["truth"], **match.frames}.items():
        tiles: list[Tile] = []
        for frame, box in boxes:
            tiles += [Tile(tile(frames[frame])), Tile(closeup(frames[frame], box))]
        rows.append(Row(name, tiles))
    return Block(truth.clip, headings, rows)


def _chosen(truth: Renderings, moments: Sequence[float]) -> list[tuple[int, str]]:
    """Frames to show, and what stands above their close-ups."""
    if moments:
        frames = len(truth.rows["truth"])
        return [(frame_at(time, frames, truth.clip), "mouth") for time in moments]
    widest, closed = widest_and_closed(truth.landmarks, truth.clip)
    return [(widest, "widest open"), (closed, "most closed")]


def _mouth(truth: Renderings, frame: int) -> Box:
    known = nearest_known(truth.landmarks, frame, truth.clip)
    return mouth_box(truth.landmarks[known], truth.rows["truth"].shape[-1])
