"""Figures into files: equal figures give equal files, whatever the user's own matplotlib style."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib.style
from matplotlib.figure import Figure

from talkface.data.layout import write_aside
from talkface.figures.errors import FigureOutputError

OPTIONS: dict[str, dict[str, Any]] = {
    ".png": {"metadata": {"Software": None}},
    ".svg": {"metadata": {"Date": None}},
    ".pdf": {"metadata": {"CreationDate": None}},
    ".jpg": {"pil_kwargs": {"quality": 80}},
    ".jpeg": {"pil_kwargs": {"quality": 80}},
}
"""What is told to matplotlib by suffix; no file says when it was made."""

HOUSE = {"svg.hashsalt": "talkface"}
"""Names in SVG files do not change from one to the next."""


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib's defaults and ours, for as long as the block lasts."""
    with matplotlib.style.context(["default", HOUSE]):
        yield


def check_output(path: Path) -> None:
    """Refuse a file that cannot be written, before long work.

    Raises:
        FigureOutputError: If its suffix is of no known kind, or it is a folder.
    """
    if path.suffix.lower() not in OPTIONS:
        raise FigureOutputError(f"{path} must end in one of {', '.join(OPTIONS)}.")
    if path.is_dir():
        raise FigureOutputError(f"{path} is a folder. Give the name of a picture file.")


def save(figure: Figure, path: Path) -> None:
    """Write ``figure`` in the format that the suffix of ``path`` names, making its folder.

    Raises:
        FigureOutputError: If the file cannot be written.
    """
    check_output(path)
    suffix = path.suffix.lower()
    try:
        with style(), write_aside(path) as file:
            figure.savefig(file, format=suffix[1:], dpi=figure.dpi, **OPTIONS[suffix])
    except OSError as error:
        raise FigureOutputError(
            f"{path} cannot be written ({error.strerror or error}). Choose another output."
        ) from error
