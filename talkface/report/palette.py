"""Colours of arms, as legible on white as on black."""

COLORS = (
    *("#2f7ed8", "#e0701a", "#2b9a55", "#9467d8", "#d64550"),
    *("#1a9aa0", "#a9744f", "#d45fa6", "#8a8f2b", "#6c7fa0"),
)
INK = "#808080"


def color(index: int) -> str:
    """The colour of the arm of a place in the order; it repeats after ten."""
    return COLORS[index % len(COLORS)]
