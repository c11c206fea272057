"""The video encoder's heat-maps against known points."""

from jaxtyping import Float
from torch import Tensor

from talkface import ranks
from talkface.losses.term import Term
from talkface.types import Rendering, Window


class LandmarkError(Term):
    """Mean distance per coordinate of soft-argmax and known points, in hundredths of the side.

    Makes the video encoder useful without released weights. Unknown points (NaN) count nothing.
    """

    needs_frames = False

    def forward(self, rendering: Rendering, window: Window) -> Float[Tensor, ""]:
        """Distance over the known points; 0 where none is known."""
        known = window.driving_landmarks.isfinite()
        error = (rendering.points - window.driving_landmarks.nan_to_num(0.0)).abs() * known
        side = window.driving.shape[-1]
        return 100 / side * error.sum() / ranks.share(known.sum())
