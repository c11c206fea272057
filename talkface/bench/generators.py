"""Frames per second of the generator, beside StyleGAN2 as it is usually written."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from talkface.bench.clock import quickest
from talkface.bench.plain import plain_paint
from talkface.models import Generator
from talkface.models.decoder import IdentityPlan

CODES = 512
"""Width of a style: mouth 256, face and its change 64 each, identity 128."""

ROUNDING = 1e-4
"""Of the largest value; more is another picture."""


class Size(NamedTuple):
    """A generator: side, channels times side, most channels, frames rendered at once."""

    side: int
    base: int
    limit: int
    frames: int


SIZES = (
    Size(64, 2048, 192, 16),
    Size(128, 4096, 256, 8),
    Size(256, 8192, 256, 4),
    Size(256, 16384, 512, 2),
)


class DifferentError(RuntimeError):
    """Two ways to paint the same styles do not agree."""


def frames_per_second(size: Size) -> tuple[float, float]:
    """The generator without splices as it is used, and as it is usually written.

    Raises:
        DifferentError: They paint different pictures.
    """
    torch.manual_seed(0)
    generator = Generator(
        size.side, 256, 64, 128, base=size.base, limit=size.limit, residual=False, splices=False
    ).eval()
    plain = Generator(
        size.side, 256, 64, 128, base=size.base, limit=size.limit, residual=False, splices=False
    ).eval()
    plain.load_state_dict(generator.state_dict())
    generator.to(memory_format=torch.channels_last)
    styles = torch.randn(size.frames, len(generator.sides), CODES)
    plan = nobody(generator)
    with torch.no_grad():
        one, other = generator.paint(styles, plan), plain_paint(plain, styles)
        apart = float((one - other).abs().max() / other.abs().max())
        if apart > ROUNDING:
            raise DifferentError(f"generator and plain StyleGAN2 differ by {apart:g} at {size}")
        ours, theirs = quickest(
            lambda: generator.paint(styles, plan), lambda: plain_paint(plain, styles), repeats=3
        )
    return size.frames / ours, size.frames / theirs


def nobody(generator: Generator) -> IdentityPlan:
    """The plan of a portrait that a generator without splices does not look at."""
    nothing: Sequence[None] = [None] * len(generator.sides)
    image = torch.zeros(1, 3, generator.resolution, generator.resolution)
    return IdentityPlan((), tuple(nothing), image, torch.zeros(1, 0))
