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
