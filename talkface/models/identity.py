"""The identity encoder: what the face is, at five scales."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from talkface.models.layers import Conv3x3
from talkface.models.recompute import Block
from talkface.models.warmstart import Report, load_all
from talkface.models.weights import WarmStartError, named_tensors, read_checkpoint

SCALES = 5
"""Maps of a portrait: sides S, S/2 ... S/16."""

PREFIXES = ("encoder.", "identity_encoder.", "")
"""What its names begin with in a checkpoint of identity pre-training, of TalkFace, and alone."""


ADVICE = "Give a checkpoint of identity pre-training or of `talkface fit`."


class IdentityCodes(NamedTuple):
    """What the identity encoder says of a portrait.

    Attributes:
        code: f_i, b 256.
        maps: Five maps, large to small: sides S, S/2, S/4, S/8, S/16.
        image: The portrait itself, in [-1, 1].
    """

    code: Float[Tensor, "b d"]
    maps: tuple[Float[Tensor, "b _ _ _"], ...]
    image: Float[Tensor, "b 3 s s"]


class IdentityEncoder(nn.Module):
    """U-Net descent of a portrait: five maps for the splices and styles, and one code.

    Args:
        dim: Width of the code f_i.
        channels: Channels of the five maps, large to small.
        init_from: Weights that ``warm_start`` loads: a checkpoint of identity pre-training or of
            TalkFace, or a state dict. None for random weights.
    """

    def __init__(
        self,
        dim: int = 256,
        channels: Sequence[int] = (32, 64, 128, 256, 256),
        init_from: str | Path | None = None,
    ) -> None:
        super().__init__()
        if len(channels) != SCALES:
            raise ValueError(f"IdentityEncoder has {SCALES} scales, but channels={list(channels)}")
        self.channels = tuple(channels)
        self.init_from = None if init_from is None else str(init_from)  # safe to unpickle
        widths = [3, *channels]
        self.stages = nn.ModuleList(
            _stage(widths[i], widths[i + 1], stride=1 if i == 0 else 2) for i in range(SCALES)
        )
        self.head = nn.Linear(channels[-1], dim)

    def warm_start(self) -> Report | None:
        """Load the weights that ``init_from`` names; None if it names none.

        Raises:
            WarmStartError: There is no such file, or it is of an encoder of another size.
        """
        if self.init_from is None:
            return None
        file = Path(self.init_from)
        found = _find(file)
        advice = f"Set `dim` to {found.dim} and `channels` to {found.channels}."
        return load_all(self, found.weights, file, advice, found.prefix)

    @classmethod
    def load(cls, file: Path) -> "IdentityEncoder":
        """The encoder in a checkpoint or state dict, as large as it is there, for evaluation.

        Raises:
            WarmStartError: There is no such file, or no identity encoder in it.
        """
        found = _find(file)
        try:
            encoder = cls(found.dim, found.channels)
        except ValueError as error:
            raise WarmStartError(file, str(error), ADVICE) from error
        load_all(encoder, found.weights, file, ADVICE, found.prefix)
        return encoder.eval().requires_grad_(False)

    def forward(self, image: Float[Tensor, "b 3 s s"]) -> IdentityCodes:
        """Encode portraits in [-1, 1], of a side that 16 divides."""
        if image.shape[-1] % 16 or image.shape[-2] != image.shape[-1]:
            raise ValueError(
                f"IdentityEncoder takes square images of a side that 16 divides, "
                f"got {tuple(image.shape)}"
            )
        maps = []
        x = image
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        code: Tensor = self.head(F.silu(x).mean((2, 3)))
        return IdentityCodes(code, tuple(maps), image)


class _Found(NamedTuple):
    """An identity encoder in a file: all tensors, what its names begin with, its sizes."""

    weights: dict[str, Tensor]
    prefix: str
    dim: int
    channels: list[int]


def _find(file: Path) -> _Found:
    weights = named_tensors(read_checkpoint(file), "state_dict")
    for prefix in PREFIXES:
        if (head := weights.get(f"{prefix}head.weight")) is not None:
            stages = [weights.get(f"{prefix}stages.{i}.0.weight") for i in range(SCALES)]
            channels = [len(stage) for stage in stages if stage is not None]
            return _Found(weights, prefix, len(head), channels)
    found = f"it holds no identity encoder but {', '.join(list(weights)[:4]) or 'nothing'}"
    raise WarmStartError(file, found, ADVICE)


def pooled(codes: IdentityCodes) -> Float[Tensor, "b e"]:
    """Everything in ``codes`` without its place: the code and the mean of every map."""
    return torch.cat([codes.code, *(m.mean((2, 3)) for m in codes.maps)], dim=1)


class Stage(Block, nn.Sequential):
    """Two convolutions with group normalisation and activation."""


def _stage(inputs: int, outputs: int, stride: int) -> Stage:
    groups = max(1, outputs // 16)
    return Stage(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1),
        nn.GroupNorm(groups, outputs),
        nn.SiLU(),
        Conv3x3(outputs, outputs),
        nn.GroupNorm(groups, outputs),
        nn.SiLU(),
    )
