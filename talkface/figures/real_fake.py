"""Fake against real: rendered frames below true ones, and how far they differ."""

from collections.abc import Sequence

from jaxtyping import UInt8
from matplotlib.figure import Figure
from torch import Tensor

from talkface.data.renderings import Renderings
from talkface.figures.moments import seconds
from talkface.figures.pictures import difference, tile
from talkface.figures.sheet import Block, Row, Tile, sheet
from talkface.figures.sources import shown
from talkface.figures.strips import evenly
from talkface.metrics.image import frame_psnr, frame_ssim

COLUMNS = 6
GAIN = 4.0


def draw_real_fake(
    clips: Sequence[Renderings],
    row: str,
    title: str,
    columns: int = COLUMNS,
    gain: float = GAIN,
) -> Figure:
    """True frames, rendered ones and ``gain`` times their absolute difference, evenly spaced.

    PSNR and SSIM of every pair, as ``talkface test`` measures them, stand below it.

    Args:
        clips: At least one; all of one size.
        row: What is held against the truth.
        title: What it is called.
        columns: Pairs of each clip.
        gain: Factor of the difference; a map is white where 255 levels over it are reached.

    Raises:
        UnknownRowError: If a test did not render the row.
    """
    blocks = [_block(clip, shown(clip, row), title, columns, gain) for clip in clips]
    return sheet(blocks, (max(len(block.headings) for block in blocks),))


def _block(
    clip: Renderings, frames: UInt8[Tensor, "t 3 S S"], title: str, columns: int, gain: float
) -> Block:
    moments = evenly(len(frames), columns)
    real, fake = clip.rows["truth"][moments], frames[moments]
    maps = [difference(a, b, gain) for a, b in zip(fake, real, strict=True)]
    rows = [
        Row("real", [Tile(tile(frame)) for frame in real]),
        Row(title, [Tile(tile(frame)) for frame in fake]),
        Row(
            f"|difference| × {gain:g}",
            [Tile(tile(m), note) for m, note in zip(maps, _notes(fake, real), strict=True)],
        ),
    ]
    return Block(clip.clip, [seconds(at) for at in moments.tolist()], rows)


def _notes(fake: UInt8[Tensor, "n 3 S S"], real: UInt8[Tensor, "n 3 S S"]) -> list[str]:
    preds, target = fake.float() / 255, real.float() / 255
    pairs = zip(frame_psnr(preds, target).tolist(), frame_ssim(preds, target).tolist(), strict=True)
    return [f"{psnr:.1f} dB".replace("inf", "∞") + f"\nSSIM {ssim:.3f}" for psnr, ssim in pairs]
