"""The adversaries: of frames, of modality, of words."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from talkface.models.layers import Dropout


class SequenceDiscriminator(nn.Module):
    """Multi-scale patch discriminator over stacked consecutive frames (D_seq).

    Each scale is a PatchGAN (Isola et al. 2017, https://arxiv.org/abs/1611.07004) with spectral
    normalisation; the input of the next is halved (Wang et al. 2018, sec. 3.2,
    https://arxiv.org/abs/1711.11585).

    Args:
        frames: Number of consecutive frames.
        scales: Number of sides at which frames are judged.
        layers: Strided convolutions per scale, N_D.
        width: Channels of the first one; doubled by each, up to eight times.
    """

    def __init__(self, frames: int = 3, scales: int = 2, layers: int = 3, width: int = 64) -> None:
        super().__init__()
        self.frames = frames
        self.scales = nn.ModuleList(_patches(3 * frames, layers, width) for _ in range(scales))

    def forward(self, frames: Float[Tensor, "n r 3 h w"]) -> list[Float[Tensor, "n 1 _ _"]]:
        """Realness logits of every patch at every scale."""
        if frames.shape[1] != self.frames:
            raise ValueError(
                f"SequenceDiscriminator was built for {self.frames} frames, got {frames.shape[1]}"
            )
        x = frames.flatten(1, 2)
        logits = []
        for scale in self.scales:
            logits.append(scale(x))
            x = F.avg_pool2d(x, 2)
        return logits


class ModalityDiscriminator(nn.Module):
    """Tells codes of sound (real) from codes of lips (fake), frame by frame (D_sync)."""

    def __init__(self, dim: int = 256, hidden: int = 256) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(dim, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, 1))

    def forward(self, codes: Float[Tensor, "*n d"]) -> Float[Tensor, "*n"]:
        """Logit that each code is of sound."""
        logits: Tensor = self.net(codes)
        return logits.squeeze(-1)


class WordClassifier(nn.Module):
    """Names the word from the identity features of a run of frames: the word adversary.

    If it can, speech has leaked into identity.

    Args:
        classes: Number of words.
        frames: Frames per run; at least 20 in the paper.
        dim: Width of the identity features of a frame.
        width: Width to which each frame is reduced.
    """

    def __init__(self, classes: int, frames: int = 20, dim: int = 992, width: int = 64) -> None:
        super().__init__()
        self.classes = classes
        self.frames = frames
        self.reduce = nn.Sequential(nn.Linear(dim, width), nn.LeakyReLU(0.2))
        self.name = nn.Sequential(Dropout(0.5), nn.Linear(frames * width, classes))

    def forward(self, features: Float[Tensor, "n t d"]) -> Float[Tensor, "n classes"]:
        """Word logits."""
        if features.shape[1] != self.frames:
            raise ValueError(
                f"WordClassifier was built for {self.frames} frames, got {features.shape[1]}"
            )
        logits: Tensor = self.name(self.reduce(features).flatten(1))
        return logits


def _patches(inputs: int, layers: int, width: int) -> nn.Sequential:
    widths = [inputs, *(width * min(8, 2**i) for i in range(layers))]
    modules: list[nn.Module] = []
    for i in range(layers):
        conv = nn.Conv2d(widths[i], widths[i + 1], 4, stride=2, padding=1)
        modules += [spectral_norm(conv), nn.LeakyReLU(0.2)]
    modules.append(spectral_norm(nn.Conv2d(widths[-1], 1, 3, padding=1)))
    return nn.Sequential(*modules)
