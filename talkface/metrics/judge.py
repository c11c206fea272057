"""What every method's clips are judged by, whoever made them: one protocol."""

from typing import NamedTuple, Protocol, runtime_checkable

from jaxtyping import Float, Int16
from torch import Tensor


class Shown(NamedTuple):
    """One clip as one method shows it.

    Attributes:
        frames: RGB in [0, 1], on the 256 levels of a picture file.
        landmarks: iBUG-68 points in pixels, NaN where unknown; None if nothing read them.
        sound: Mono sound of these frames, ``SAMPLE_RATE`` per second; None if there is none.
    """

    frames: Float[Tensor, "t 3 h w"]
    landmarks: Float[Tensor, "t 68 2"] | None = None
    sound: Int16[Tensor, " samples"] | None = None


class BrokenFramesError(ValueError):
    """Frames hold something else than colours, so no figure of theirs means anything."""

    def __init__(self, clip: str, row: str, broken: int, frames: int) -> None:
        super().__init__(
            f"{broken} of {frames} frames of clip {clip}, row {row!r}, hold NaN or infinity: the "
            "model has diverged, or computes beyond its precision. Test an earlier checkpoint, or "
            "with `--trainer.precision 32-true`."
        )


def check_frames(frames: Float[Tensor, "t 3 h w"], clip: str, row: str) -> None:
    """Refuse frames that are no pictures.

    Raises:
        BrokenFramesError: Some hold NaN or infinity.
    """
    broken = int((~frames.isfinite()).flatten(1).any(1).sum())
    if broken:
        raise BrokenFramesError(clip, row, broken, len(frames))


@runtime_checkable
class Judge(Protocol):
    """Gives figures to one clip at a time; the table keeps them all and shows their mean."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the figures, keys of ``talkface.metrics.table.COLUMNS``."""
        ...

    def __call__(self, shown: Shown, truth: Shown) -> dict[str, float]:
        """Figures of ``shown``, by name; NaN where one is not defined for this clip."""
        ...
