"""What can be wrong with a figure, said to those who ask for it."""

from collections.abc import Iterable, Mapping
from pathlib import Path


class FigureError(ValueError):
    """A figure cannot be drawn; the message says why."""


class FigureOutputError(FigureError):
    """The file cannot be written."""


class RunNameError(FigureError):
    """Runs cannot be told apart by their names."""


class UnknownRowError(FigureError):
    """A test did not render the row."""

    def __init__(self, row: str, clip: str, known: Iterable[str]) -> None:
        super().__init__(f"Clip {clip!r} has no row {row!r}. Choose from: {', '.join(known)}.")


class UnknownClipError(FigureError):
    """A prepared corpus does not hold the clip."""

    def __init__(self, clip: str, corpus: Path) -> None:
        super().__init__(
            f"The corpus {corpus} holds no clip {clip!r}. Its `*.jsonl` files list all clips."
        )


class NoCommonClipError(FigureError):
    """No clip was kept by every run."""

    def __init__(self, kept: Mapping[str, Iterable[str]]) -> None:
        listed = "; ".join(f"{run}: {', '.join(clips)}" for run, clips in kept.items())
        super().__init__(
            f"These runs have kept renderings of no clip in common ({listed}). Test them on the "
            "same corpus, or keep more clips: `--evaluation.kept N`."
        )


class DifferentTruthError(FigureError):
    """Two runs were tested on different pictures, so that a comparison would mean nothing."""

    def __init__(self, clip: str, first: str, second: str, what: str) -> None:
        super().__init__(
            f"The true frames of clip {clip!r} are not those of {first!r} in {second!r}: {what}. "
            "Test both runs on one corpus with the same `data.resolution` and `data.mfcc`."
        )


class MomentError(FigureError):
    """A moment lies outside a clip."""

    def __init__(self, seconds: float, clip: str, length: float) -> None:
        super().__init__(
            f"Clip {clip!r} has no moment {seconds:g} s: it is {length:g} s long, from 0."
        )


class NoLandmarksError(FigureError):
    """Where the mouth is, is not known in a single frame of a clip."""

    def __init__(self, clip: str) -> None:
        super().__init__(
            f"No frame of clip {clip!r} has true landmarks, which say where the mouth is. "
            "Choose another --clip."
        )


class ShortSoundError(FigureError):
    """A sound is shorter than one window of the MFCC."""

    def __init__(self, seconds: float, window: float) -> None:
        super().__init__(
            f"The sound is {1000 * seconds:.0f} ms long, but one column of coefficients needs "
            f"{1000 * window:.0f} ms. Give a longer one."
        )
