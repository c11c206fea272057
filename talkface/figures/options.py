"""Options that several figures share, and the kinds of values they take."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from talkface.figures.sources import Run

Add = Callable[..., Any]
"""``add_argument`` of a parser."""

ROW = "video"


def add_folder(add: Add) -> None:
    """The folder of one test."""
    add("folder", type=Path, metavar="TEST_FOLDER", help="folder that `talkface test` wrote")


def add_runs(add: Add) -> None:
    """Tests with names."""
    add(
        "runs",
        type=named_run,
        nargs="+",
        metavar="NAME=TEST_FOLDER",
        help="what a run is called in the figure, and the folder that `talkface test` wrote",
    )


def add_clips(add: Add, default: str) -> None:
    """Which clips to show."""
    add(
        "--clip",
        nargs="+",
        default=[],
        metavar="CLIP",
        help=f"clips whose renderings the test kept (default: {default})",
    )


def add_row(add: Add, rows: Sequence[str]) -> None:
    """Which row to hold against the truth."""
    help_ = f"what is shown of the test: {', '.join(rows)} (default: {ROW})"
    add("--row", default=ROW, help=help_)


def add_columns(add: Add, default: int) -> None:
    """How many moments to show."""
    help_ = f"moments of each clip (default: {default})"
    add("--columns", type=positive, default=default, metavar="N", help=help_)


def named_run(text: str) -> Run:
    """``NAME=FOLDER``."""
    name, equals, folder = text.partition("=")
    if not (name and equals and folder):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=TEST_FOLDER")
    return Run(name, Path(folder))


def positive(text: str) -> int:
    """A whole number from 1."""
    return _checked(int(text), text, least=1)


def natural(text: str) -> int:
    """A whole number from 0."""
    return _checked(int(text), text, least=0)


def gain(text: str) -> float:
    """A factor above 0."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _checked(value: int, text: str, least: int) -> int:
    if value < least:
        raise argparse.ArgumentTypeError(f"{text} is less than {least}")
    return value
