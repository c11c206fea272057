"""``talkface figure``: the command line of the figures."""

import argparse
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from talkface.data.media import read_audio
from talkface.data.mfcc_presets import PRESETS
from talkface.data.renderings import Renderings
from talkface.figures import clip_strip, options, real_fake, worst_holes
from talkface.figures.clip_strip import draw_strips
from talkface.figures.errors import FigureError
from talkface.figures.options import Add
from talkface.figures.output import OPTIONS, check_output, save, style
from talkface.figures.real_fake import draw_real_fake
from talkface.figures.sound import draw_mfcc
from talkface.figures.sources import Run, clips_of, matched, rendered_words, sound_of
from talkface.figures.versus import draw_versus
from talkface.figures.worst_holes import draw_holes
from talkface.metrics.table import ROWS

logger = logging.getLogger(__name__)

Given = dict[str, Any]
"""Options as parsed, by name."""

CLIPS = 3
"""Clips that are shown where none is named; holes are looked for in all."""

FIRST = f"the first {CLIPS}"


class Kind(NamedTuple):
    """A figure that can be asked for.

    Attributes:
        text: What it shows.
        declare: Adds its options.
        draw: Makes it from the parsed options.
    """

    text: str
    declare: Callable[[Add], None]
    draw: Callable[[Given], Figure]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the figures of ``talkface figure`` and their options."""
    parser.description = (
        "Draw a figure of a sound, or of renderings that `talkface test` kept, into a picture file."
    )
    figures = parser.add_subparsers(dest="figure", required=True, metavar="FIGURE")
    for name, kind in KINDS.items():
        one = figures.add_parser(name, help=kind.text, description=f"Draw {kind.text}.")
        kind.declare(one.add_argument)
        kinds = ", ".join(OPTIONS)
        one.add_argument(
            "--output", type=Path, required=True, metavar="FILE", help=f"picture file: {kinds}"
        )


def run(namespace: argparse.Namespace) -> None:
    """Draw and write the figure that the parsed options ask for.

    Raises:
        FigureError: If it cannot be drawn or written.
        RenderingsNotFoundError: If a folder does not hold what is to be shown.
        MediaError: If a sound cannot be read.
        ManifestNotFoundError: If there is no such corpus.
        LayoutError: If the corpus is damaged.
    """
    given = vars(namespace)
    check_output(given["output"])
    with style():
        figure = KINDS[given["figure"]].draw(given)
    save(figure, given["output"])
    width, height = (round(inches * figure.dpi) for inches in figure.get_size_inches())
    logger.info("%s: %d x %d pixels", given["output"], width, height)


def _declare_mfcc(add: Add) -> None:
    add("--audio", type=Path, help="any audio or video file with sound")
    add("--corpus", type=Path, help="prepared corpus, instead of --audio: also shows the words")
    add("--clip", help="name of the clip of --corpus")
    add("--preset", choices=sorted(PRESETS), default="davs", help="of the MFCC (default: davs)")
    frames = "video frames to mark, each with the patch of coefficients that belongs to it"
    add("--frames", type=options.natural, nargs="+", default=[], metavar="N", help=frames)


def _mfcc(given: Given) -> Figure:
    audio, corpus, clip = (given[name] for name in ("audio", "corpus", "clip"))
    if (audio is None) == (corpus is None) or (corpus is None) != (clip is None):
        raise FigureError(
            "Which sound? Give either --audio speech.wav, or --corpus DATA and --clip NAME."
        )
    preset, frames = given["preset"], given["frames"]
    if audio is not None:
        return draw_mfcc(read_audio(audio), preset, frames=frames, title=audio.name)
    sound, words = sound_of(corpus, clip)
    return draw_mfcc(sound, preset, words, frames, title=clip)


def _declare_strip(add: Add) -> None:
    options.add_folder(add)
    options.add_clips(add, FIRST)
    rows = ["truth", "audio", "video"]
    add("--rows", nargs="+", default=rows, metavar="ROW", help=f"default: {' '.join(rows)}")
    add("--labels", nargs="+", metavar="LABEL", help="what the rows are called in the figure")
    options.add_columns(add, clip_strip.COLUMNS)
    add("--corpus", type=Path, help="prepared corpus of the test: also shows the words")


def _strip(given: Given) -> Figure:
    rows, labels = given["rows"], given["labels"]
    if labels is not None and len(labels) != len(rows):
        raise FigureError(f"{len(rows)} rows need as many --labels, but there are {len(labels)}.")
    titles = dict(zip(rows, labels or [_title(row) for row in rows], strict=True))
    clips = _clips(given)
    words = {clip.clip: rendered_words(given["corpus"], clip.clip) for clip in clips}
    return draw_strips(clips, titles, words, given["columns"])


def _declare_real_fake(add: Add) -> None:
    options.add_folder(add)
    options.add_clips(add, FIRST)
    options.add_row(add, list(ROWS)[1:])
    options.add_columns(add, real_fake.COLUMNS)
    gain = real_fake.GAIN
    add("--gain", type=options.gain, default=gain, help=f"of the difference (default: {gain:g})")


def _real_fake(given: Given) -> Figure:
    row = given["row"]
    return draw_real_fake(_clips(given), row, _title(row), given["columns"], given["gain"])


def _declare_versus(add: Add) -> None:
    options.add_runs(add)
    options.add_clips(add, f"{FIRST} that all runs have kept")
    options.add_row(add, list(ROWS)[1:])
    moments = "default: when the true mouth is open widest and least"
    add("--moments", type=float, nargs="+", default=[], metavar="SECONDS", help=moments)


def _versus(given: Given) -> Figure:
    runs = given["runs"]
    if len(runs) == 1:
        raise FigureError(f"{runs[0].name!r} is the only run. Name another to hold it against.")
    clips = clips_of(runs, given["clip"], CLIPS)
    return draw_versus([matched(runs, clip, given["row"]) for clip in clips], given["moments"])


def _declare_holes(add: Add) -> None:
    options.add_runs(add)
    options.add_clips(add, "all that all runs have kept")
    options.add_row(add, list(ROWS)[1:])
    worst = worst_holes.PLACES
    help_ = f"places of each run (default: {worst})"
    add("--worst", type=options.positive, default=worst, metavar="N", help=help_)


def _holes(given: Given) -> Figure:
    runs = given["runs"]
    clips = clips_of(runs, given["clip"], None)
    return draw_holes([matched(runs, clip, given["row"]) for clip in clips], given["worst"])


def _clips(given: Given) -> list[Renderings]:
    """The chosen clips of a single test."""
    folder: Path = given["folder"]
    clips = clips_of([Run(folder.name, folder)], given["clip"], CLIPS)
    return [Renderings.read(folder, clip) for clip in clips]


def _title(row: str) -> str:
    """How a row is called, without what stands in brackets."""
    return ROWS.get(row, row).partition(" (")[0]


KINDS = {
    "mfcc": Kind("amplitude and MFCC of a sound over one time axis", _declare_mfcc, _mfcc),
    "strip": Kind("portrait, truth and renderings at even moments", _declare_strip, _strip),
    "real-fake": Kind(
        "true and rendered frames, their difference, PSNR and SSIM", _declare_real_fake, _real_fake
    ),
    "versus": Kind("the same moments by several runs, and the mouths", _declare_versus, _versus),
    "holes": Kind("where runs have left the worst small holes", _declare_holes, _holes),
}
"""The figures by name."""
