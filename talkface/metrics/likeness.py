"""Does a rendered face still look like the person it was made from?"""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from talkface.metrics.mean import Mean


def identity_similarity(
    preds: Float[Tensor, "n d"], target: Float[Tensor, "#n d"]
) -> Float[Tensor, " n"]:
    """Cosine of the embeddings of rendered faces and of the person's, in [-1, 1], 1 is best.

    Args:
        preds: Embeddings of rendered faces by a network that recognises people, of any length.
        target: Embeddings of the person, one for each, or one for all.
    """
    return F.cosine_similarity(preds.float(), target.float(), dim=1)


class IdentitySimilarity(Mean):
    r"""Mean cosine of identity embeddings: CSIM (Zakharov et al. 2019).

    $$\operatorname{mean} \frac{\hat e \cdot e}{\lVert \hat e \rVert \lVert e \rVert}$$

    (https://arxiv.org/abs/1905.08233, section 4). Figures compare only where the same network made
    the embeddings; there, they are those of ArcFace.

    Example:
        >>> IdentitySimilarity()(torch.tensor([[3.0, 4.0], [8.0, 0.0]]), torch.tensor([[2.0, 0.0]]))
        tensor(0.8000)
    """

    higher_is_better = True

    def update(self, preds: Float[Tensor, "n d"], target: Float[Tensor, "#n d"]) -> None:
        """Add embeddings of rendered faces and of the person."""
        self.add(identity_similarity(preds, target))
