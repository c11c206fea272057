"""Strips with times: the portrait, then truth and renderings side by side at even moments."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from talkface.data.records import WordSpan
from talkface.data.renderings import Renderings
from talkface.figures.moments import seconds, word_at
from talkface.figures.pictures import tile
from talkface.figures.sheet import Block, Row, Tile, sheet
from talkface.figures.sources import shown
from talkface.figures.strips import evenly

COLUMNS = 8


def draw_strips(
    clips: Sequence[Renderings],
    rows: Mapping[str, str],
    words: Mapping[str, Sequence[WordSpan]] | None = None,
    columns: int = COLUMNS,
) -> Figure:
    """The portrait on the left, then evenly spaced moments of every clip.

    Args:
        clips: At least one; all of one size.
        rows: Titles by row.
        words: What is spoken, by clip, counted from its first rendered frame.
        columns: Moments of each clip, from its first to its last frame.

    Raises:
        UnknownRowError: If a test did not render a row.
    """
    spoken = words or {}
    blocks = [_block(clip, rows, spoken.get(clip.clip, ()), columns) for clip in clips]
    return sheet(blocks, (1, max(len(block.headings) for block in blocks) - 1))


def _block(
    clip: Renderings, rows: Mapping[str, str], words: Sequence[WordSpan], columns: int
) -> Block:
    moments = evenly(len(clip.rows["truth"]), columns).tolist()
    times = [f"{seconds(at)}\n{word_at(words, at)}".rstrip() for at in moments]
    lines: list[Row] = []
    for row, title in rows.items():
        frames = shown(clip, row)
        portrait = None if lines else Tile(tile(clip.identity))
        inside = [at for at in moments if at < len(frames)]  # a foreign sound may be shorter
        lines.append(Row(title, [portrait, *(Tile(tile(frames[at])) for at in inside)]))
    return Block(clip.clip, ["identity", *times], lines)
