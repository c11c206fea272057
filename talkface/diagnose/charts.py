"""Charts of numbers: what finds what, what a probe knows, who pulls how hard."""

from collections.abc import Mapping, Sequence

from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from talkface.figures.canvas import DPI, GREY
from talkface.metrics.table import Cell

WIDTH, HEIGHT = 1024, 416
"""Size in pixels."""

BLUE = "#4f8ac9"


def draw_retrieval(
    matrix: Float[Tensor, "clips clips"], curve: Float[Tensor, " lags"], lags: int
) -> Figure:
    """Similarity of every sound with all lips, bright diagonal wanted, and by shift in a clip."""
    figure = _page()
    left, right = figure.subplots(1, 2)
    shown = left.imshow(matrix.numpy(), cmap="magma")
    left.set(title="mean cosine of clips", xlabel="lips of clip", ylabel="sound of clip")
    figure.colorbar(shown, ax=left)
    right.plot(range(-lags, lags + 1), curve.numpy(), color=BLUE, marker=".")
    right.axvline(0, color=GREY, linewidth=1)
    right.set(title="mean cosine within a clip", xlabel="lips late by frames")
    return figure


def draw_probe(cells: Mapping[str, Cell], chance: float) -> Figure:
    """Accuracy of a probe by kind of features, with intervals, and chance as a line."""
    figure = _page()
    axes = figure.subplots()
    margins = [0.0 if cell.margin != cell.margin else cell.margin for cell in cells.values()]
    axes.barh(list(cells), [cell.value for cell in cells.values()], xerr=margins, color=BLUE)
    axes.axvline(chance, color=GREY, linestyle="--")
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="words named rightly (dashed: always the most frequent)")
    return figure


def draw_shares(networks: Sequence[str], shares: Mapping[str, Sequence[float]]) -> Figure:
    """For every network, the share of every term in the norms of all gradients.

    Args:
        networks: What stands on the left, from top to bottom.
        shares: One share per network, by term.
    """
    figure = _page()
    axes = figure.subplots()
    edges = [0.0] * len(networks)
    for term, values in shares.items():
        axes.barh(networks, values, left=edges, label=term, edgecolor="white")
        edges = [edge + value for edge, value in zip(edges, values, strict=True)]
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="share of the norms of the gradients")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure


def _page() -> Figure:
    size = (WIDTH / DPI, HEIGHT / DPI)
    return Figure(figsize=size, dpi=DPI, facecolor="white", layout="constrained")
