"""A sound as the audio encoder hears it: its amplitude, and its MFCC over the same time axis."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from jaxtyping import Float, Int16
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from talkface.data.mfcc import FULL_SCALE, Mfcc
from talkface.data.mfcc_presets import MfccPreset
from talkface.data.records import WordSpan
from talkface.figures.canvas import GREY, INK, points, text_width
from talkface.figures.errors import MomentError, ShortSoundError
from talkface.types import FPS, SAMPLE_RATE

WIDTH, HEIGHT, DPI = 1280, 608, 128
"""Size of the figure in pixels, and how many of them make an inch."""

LEFT, RIGHT, BAR = 0.075, 0.9, 0.018
"""Edges of the axes and width of the colour bar, in shares of the figure."""

BINS = 1024
"""Most columns of the wave: its lowest and highest sample in each are drawn."""

QUIET = 0.01
"""Least amplitude that the axis of the wave reaches."""

BLUE, ORANGE = "#4f8ac9", "#d1690e"
SHADES = (0.14, 0.28)
"""Opacity of words, by turns, so that neighbours are told apart."""

LETTERS = 13
"""Height of letters in pixels."""


def envelope(
    sound: Float[Tensor, " samples"], bins: int = BINS
) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"], Float[Tensor, " n"]]:
    """Middles of at most ``bins`` equal stretches in seconds, lowest and highest sample in each."""
    length = -(-len(sound) // min(bins, len(sound)))
    stretches = sound.split(length)
    low = torch.stack([stretch.min() for stretch in stretches])
    high = torch.stack([stretch.max() for stretch in stretches])
    return (torch.arange(len(stretches)) + 0.5) * (length / SAMPLE_RATE), low, high


def draw_mfcc(
    sound: Int16[Tensor, " samples"],
    preset: str = "davs",
    words: Sequence[WordSpan] = (),
    frames: Sequence[int] = (),
    title: str = "",
) -> Figure:
    """Amplitude of the wave above the map of coefficients, and a colour bar for the latter.

    Every column of the map stands at the middle of its window. The axis on top counts video frames.

    Args:
        sound: Mono, ``SAMPLE_RATE`` per second.
        preset: Settings of the MFCC.
        words: What is spoken when.
        frames: Video frames to mark: in the wave the frame itself, in the map the patch that the
            audio encoder is given for it.
        title: Name of the sound.

    Raises:
        UnknownPresetError: If there is no such preset.
        ShortSoundError: If the sound is shorter than one window.
        MomentError: If a frame to be marked lies outside the sound.
    """
    mfcc = Mfcc(preset)
    length = len(sound) / SAMPLE_RATE
    columns = mfcc(sound)
    if not len(columns):
        raise ShortSoundError(length, mfcc.preset.window / SAMPLE_RATE)
    for frame in frames:
        if not 0 <= frame < length * FPS:
            raise MomentError(frame / FPS, title, length)
    figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor="white")
    wave = figure.add_axes((LEFT, 0.58, RIGHT - LEFT, 0.25))
    chart = figure.add_axes((LEFT, 0.1, RIGHT - LEFT, 0.395), sharex=wave)
    bar = figure.add_axes((RIGHT + BAR / 2, 0.1, BAR, 0.395))
    _wave(wave, sound, length)
    _map(figure, chart, bar, columns, mfcc.preset)
    _words(wave, words, length)
    for frame in frames:
        _mark(wave, chart, frame, mfcc.preset)
    figure.text(LEFT, 0.98, title, va="top", fontsize=points(15), weight="bold", parse_math=False)
    return figure


def _wave(axes: Axes, sound: Int16[Tensor, " samples"], length: float) -> None:
    times, low, high = envelope(sound / FULL_SCALE)
    axes.fill_between(times, low, high, color=BLUE, linewidth=0.6)
    limit = 1.05 * max(float(high.max()), -float(low.min()), QUIET)
    axes.set(xlim=(0, length), ylim=(-limit, limit))
    axes.set_ylabel("amplitude\n(full scale = 1)", fontsize=points(LETTERS))
    axes.tick_params(labelsize=points(LETTERS), labelbottom=False)
    top = axes.secondary_xaxis(
        "top", functions=(partial(np.multiply, FPS), partial(np.multiply, 1 / FPS))
    )
    top.set_xlabel(f"video frame ({FPS} per second)", fontsize=points(LETTERS))
    top.tick_params(labelsize=points(LETTERS))


def _map(
    figure: Figure, axes: Axes, bar: Axes, columns: Float[Tensor, "n k"], preset: MfccPreset
) -> None:
    start, width = covered(0, len(columns), preset)
    limit = float(columns.abs().max()) or 1.0
    image = axes.imshow(
        columns.T.numpy(),
        extent=(start, start + width, -0.5, columns.shape[1] - 0.5),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        cmap="RdBu_r",
        vmin=-limit,
        vmax=limit,
    )
    names = ["ln E"] * preset.energy + [str(n) for n in range(preset.first, preset.last + 1)]
    axes.set_yticks(np.arange(len(names)), names, fontsize=points(LETTERS - 2))
    axes.set_ylabel("MFCC index", fontsize=points(LETTERS))
    axes.set_xlabel("time [s]", fontsize=points(LETTERS))
    axes.tick_params(axis="x", labelsize=points(LETTERS))
    axes.set_facecolor("#e8eaed")
    figure.colorbar(image, cax=bar)
    bar.set_ylabel("MFCC value", fontsize=points(LETTERS))
    bar.tick_params(labelsize=points(LETTERS - 2))


def covered(sample: int, columns: int, preset: MfccPreset) -> tuple[float, float]:
    """Where columns stand, the first of which begins at a sample: left edge and width, in seconds.

    A column is one hop wide, around the middle of its window.
    """
    left = sample + (preset.window - preset.hop) / 2
    return left / SAMPLE_RATE, columns * preset.hop / SAMPLE_RATE


def _words(axes: Axes, words: Sequence[WordSpan], length: float) -> None:
    """Shade what is spoken and name it below, on a second line where the first is taken."""
    per_second = WIDTH * (RIGHT - LEFT) / length
    line = 1.3 * LETTERS / (HEIGHT * axes.get_position().height)
    ends = [-np.inf, -np.inf]
    for index, span in enumerate(sorted(words, key=lambda word: word.start)):
        middle = (span.start + span.end) / 2
        half = (text_width(span.word, LETTERS) + LETTERS) / 2 / per_second
        level = 0 if middle - half >= ends[0] else int(np.argmin(ends))
        ends[level] = middle + half
        axes.axvspan(span.start, span.end, color=GREY, alpha=SHADES[index % 2], lw=0)
        axes.text(
            middle,
            -(0.85 + level) * line,
            span.word,
            transform=axes.get_xaxis_transform(),
            ha="center",
            va="baseline",
            fontsize=points(LETTERS),
            color=INK,
            parse_math=False,
        )


def _mark(wave: Axes, chart: Axes, frame: int, preset: MfccPreset) -> None:
    """Shade a video frame and outline its patch of coefficients."""
    per_frame = SAMPLE_RATE // FPS
    start, width = covered(frame * per_frame - preset.lead * preset.hop, preset.steps, preset)
    wave.axvspan(frame / FPS, (frame + 1) / FPS, color=ORANGE, alpha=0.4, lw=0)
    bottom, top = chart.get_ylim()
    outline = Rectangle((start, bottom), width, top - bottom, fill=False, edgecolor=INK, lw=1.6)
    chart.add_patch(outline)
