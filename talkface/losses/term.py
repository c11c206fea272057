"""What a loss term is."""

from abc import abstractmethod

from jaxtyping import Float
from torch import Tensor, nn

from talkface.types import Rendering, Window


class Term(nn.Module):
    """One summand of the objective of encoders and generator.

    Args:
        weight: Factor in the objective; 0 means measured, not optimised.
    """

    needs_frames = True
    """Whether the term is undefined while nothing is rendered."""

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        if weight < 0:
            raise ValueError(f"the weight of a loss term must not be negative, got {weight}")
        self.weight = weight

    @abstractmethod
    def forward(self, rendering: Rendering, window: Window) -> Float[Tensor, ""]:
        """Value of the term, without its weight."""


def rendered(rendering: Rendering) -> tuple[Tensor, Tensor, Tensor]:
    """Frames, target and landmarks of a rendering, known to be there."""
    if rendering.frames is None or rendering.target is None or rendering.landmarks is None:
        raise ValueError("this term judges rendered frames, but nothing was rendered")
    return rendering.frames, rendering.target, rendering.landmarks
