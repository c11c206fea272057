"""A figure that is drawn by pixels, so that frames keep theirs; letters stay letters in SVG."""

import math

from jaxtyping import UInt8
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from torch import Tensor

DPI = 128
"""A power of two: pixels over it, and times it, are exact."""

FONT = 15
LINE = 19
"""Height of letters and of a line of text, in pixels."""

INK, GREY = "#1f2328", "#59636e"


def points(pixels: float | int) -> float:
    """Size of letters as matplotlib counts it."""
    return pixels * 72 / DPI


def text_width(text: str, size: float | int = FONT, *, bold: bool = False) -> int:
    """Width in pixels of the longest line."""
    font = FontProperties(size=size, weight=weight(bold))
    widths = (
        text_to_path.get_text_width_height_descent(line, font, ismath=False)[0]
        for line in text.split("\n")
    )
    return math.ceil(max(widths))


def weight(bold: bool) -> str:
    """How matplotlib calls it."""
    return "bold" if bold else "normal"


class Canvas:
    """A white page; x grows to the right and y downwards, both in pixels.

    Args:
        width: In pixels.
        height: In pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        self.figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
        self._axes = self.figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()
        self._axes.set(xlim=(0, width), ylim=(height, 0))

    def picture(self, left: int, top: int, pixels: UInt8[Tensor, "3 h w"]) -> None:
        """Put a picture, one pixel on one."""
        _, height, width = pixels.shape
        self._axes.imshow(
            pixels.permute(1, 2, 0).numpy(),
            extent=(left, left + width, top + height, top),
            aspect="auto",
            interpolation="none",
        )

    def text(
        self,
        x: float | int,
        y: float | int,
        text: str,
        *,
        align: str = "left",
        centred: bool = False,
        bold: bool = False,
        colour: str = INK,
    ) -> None:
        """Write ``text`` as it stands, with lines ``LINE`` pixels apart.

        Args:
            x: Where its lines begin, have their middle, or end, as ``align`` says.
            y: Its top, or its middle where it is ``centred``.
            text: One line or several.
            align: ``left``, ``center`` or ``right``.
            centred: Whether ``y`` is its middle.
            bold: Whether the letters are.
            colour: Of the letters.
        """
        lines = text.split("\n")
        top = y - LINE * len(lines) / 2 if centred else y
        for index, line in enumerate(lines):
            self._axes.text(
                x,
                top + (index + 0.5) * LINE,
                line,
                ha=align,
                va="center_baseline",
                fontsize=points(FONT),
                fontweight=weight(bold),
                color=colour,
                parse_math=False,
            )
