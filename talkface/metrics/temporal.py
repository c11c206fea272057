"""Whether what moves moves smoothly, and pictures change when, and only when, the truth does."""

import torch
from jaxtyping import Float
from torch import Tensor

from talkface.metrics.mean import Mean


def accelerations(landmarks: Float[Tensor, "t p 2"]) -> Float[Tensor, "inner p"]:
    """Norm of the second difference of every point, in pixels per frame squared, NaN if unknown.

    Args:
        landmarks: Points of consecutive frames in pixels, NaN where unknown.
    """
    norms: Tensor = torch.linalg.vector_norm(landmarks.diff(n=2, dim=0), dim=2)
    return norms


def jitter(landmarks: Float[Tensor, "t p 2"]) -> Float[Tensor, " inner"]:
    """Mean of `accelerations` over the known points of every frame but the first and the last.

    NaN where a frame has no point that is known in its neighbours, too.
    """
    return accelerations(landmarks).nanmean(1)


class Jitter(Mean):
    r"""Mean acceleration of landmarks, in pixels per frame squared.

    $$\frac{1}{|P|} \sum_{(t, p) \in P} \lVert x_{t+1, p} - 2 x_{tp} + x_{t-1, p} \rVert_2$$

    over all points known in three consecutive frames; the others are counted in ``left_out``. A
    head that turns evenly has none, a face that trembles much: noise of $\sigma$ pixels in both
    coordinates makes $\sigma \sqrt{3 \pi}$. Nothing of the true motion is subtracted, since a
    rendering need not move when the truth does: compare with the figure of the truth, which has a
    mouth that moves, and a reader that trembles, too. Much more is jitter, much less a frozen face.

    The acceleration is that whose error Kanazawa et al. 2019 measure
    (https://arxiv.org/abs/1812.01601); "jitter" is also used for the third difference.

    Example:
        >>> Jitter()(torch.tensor([0.0, 1.0, 4.0, 9.0])[:, None, None].expand(4, 68, 2))
        tensor(2.8284)
    """

    higher_is_better = False

    def update(self, landmarks: Float[Tensor, "t p 2"]) -> None:
        """Add the points of the consecutive frames of one clip, in pixels, NaN where unknown."""
        values = accelerations(landmarks)
        self.add(values, ~values.isnan())


def flicker(
    preds: Float[Tensor, "t 3 h w"], target: Float[Tensor, "t 3 h w"]
) -> Float[Tensor, " steps"]:
    """Mean absolute error of the change from frame to frame, in grey levels of 255, by step.

    Args:
        preds: Consecutive frames, RGB in [0, 1].
        target: The same for the truth.
    """
    return 255 * (preds - target).diff(dim=0).abs().mean((1, 2, 3))


class Flicker(Mean):
    r"""Mean absolute error of the change from frame to frame, in grey levels of 255.

    $$255 \operatorname{mean} |(\hat x_t - \hat x_{t-1}) - (x_t - x_{t-1})|$$

    over pixels, colours and steps: 0 where pictures change exactly as the true ones do, however
    wrong they are otherwise. "Temporal flickering" of VBench is the change itself, which nothing
    that moves keeps small (Huang et al. 2024, https://arxiv.org/abs/2311.17982); its error is
    squared in the dtSSD of video matting (Erofeev et al. 2015, https://videomatting.com).

    Example:
        >>> frames = torch.tensor([0.0, 1.0, 0.5])[:, None, None, None].expand(3, 3, 8, 8)
        >>> Flicker()(frames, torch.zeros(3, 3, 8, 8))
        tensor(191.2500)
    """

    higher_is_better = False

    def update(self, preds: Float[Tensor, "t 3 h w"], target: Float[Tensor, "t 3 h w"]) -> None:
        """Add the consecutive frames of one clip and the true ones, RGB in [0, 1]."""
        self.add(flicker(preds, target))
