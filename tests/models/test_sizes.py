"""Every network at every side and in both precisions: shapes are checked by their signatures."""

from collections.abc import Iterator

import pytest
import torch

from talkface.losses import R1, Adversarial, Pixel, Terms
from talkface.models import (
    FAN,
    AudioEncoder,
    Decoder,
    Generator,
    IdentityEncoder,
    SequenceDiscriminator,
    UpsamplingDecoder,
    VideoEncoder,
)
from talkface.models.animator import Animator
from talkface.system import TalkFace
from talkface.types import Window

CHANNELS = (8, 8, 8, 8, 8)
DIM, FACE = 12, 4
SIDES = (64, 128, 256)
DTYPES = (torch.float32, torch.bfloat16)


def decoder(kind: type[Generator] | type[UpsamplingDecoder], side: int) -> Decoder:
    return kind(side, DIM, 2 * FACE, DIM, CHANNELS, base=512, limit=8)


def system(kind: type[Generator] | type[UpsamplingDecoder], side: int) -> TalkFace:
    torch.manual_seed(0)
    return TalkFace(
        IdentityEncoder(DIM, CHANNELS),
        VideoEncoder(DIM, FACE, FAN(features=16, depth=2), side=64, hidden=8),
        AudioEncoder(DIM, width=8),
        decoder(kind, side),
        Terms(pixel=Pixel(), gan=Adversarial()),
        SequenceDiscriminator(frames=2, scales=2, layers=2, width=8),
        resolution=side,
        rendered=2,
    )


def window(side: int) -> Window:
    rng = torch.Generator().manual_seed(0)
    frames = torch.rand(1, 2, 3, side, side, generator=rng) * 2 - 1
    return Window(
        identity=frames[:, 0],
        frames=frames,
        driving=frames,
        mfcc=torch.randn(1, 2, 12, 20, generator=rng),
        landmarks=torch.rand(1, 2, 68, 2, generator=rng) * side,
        driving_landmarks=torch.rand(1, 2, 68, 2, generator=rng) * side,
        label=torch.tensor([-1]),
        spoken=torch.ones(1, 2, dtype=torch.bool),
        clip=["clip"],
    )


@pytest.fixture(params=DTYPES, ids=str)
def dtype(request: pytest.FixtureRequest) -> Iterator[torch.dtype]:
    """Compute in this precision as Lightning does: weights stay in fp32."""
    chosen: torch.dtype = request.param
    with torch.autocast("cpu", torch.bfloat16, enabled=chosen == torch.bfloat16):
        yield chosen


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("kind", [Generator, UpsamplingDecoder])
def test_a_window_is_rendered_judged_and_learned_from(
    kind: type[Generator] | type[UpsamplingDecoder], side: int, dtype: torch.dtype
) -> None:
    model = system(kind, side)
    rendering = model.imagine(window(side)).rendering
    assert rendering.frames is not None
    assert rendering.target is not None
    assert rendering.frames.shape == (2, 2, 3, side, side)
    assert rendering.lips.shape == rendering.audio.shape == (1, 2, DIM)
    assert rendering.points.shape == (1, 2, 68, 2)
    logits = model.adversaries["gan"](rendering.frames)
    assert [tuple(x.shape) for x in logits] == [(2, 1, n, n) for n in (side // 4, side // 8)]
    assert logits[0].dtype == dtype
    loss = (rendering.frames - rendering.target).square().mean()
    loss = loss + rendering.lips.square().mean() + sum(x.float().mean() for x in logits)
    loss.backward()
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            assert parameter.dtype == torch.float32
            assert parameter.grad.isfinite().all(), name


@pytest.mark.parametrize("side", SIDES)
def test_maps_of_a_portrait_halve_from_its_side(side: int, dtype: torch.dtype) -> None:
    codes = IdentityEncoder(DIM, CHANNELS)(torch.zeros(2, 3, side, side))
    assert [tuple(m.shape) for m in codes.maps] == [
        (2, 8, side // 2**i, side // 2**i) for i in range(5)
    ]
    assert codes.code.shape == (2, DIM)
    assert codes.code.dtype == dtype


@torch.no_grad()
@pytest.mark.parametrize("side", SIDES)
def test_both_decoders_drive_clips_behind_one_interface(side: int, dtype: torch.dtype) -> None:
    for kind in (Generator, UpsamplingDecoder):
        model: Animator = system(kind, side).eval()
        for drive in ("audio", "video", "both"):
            frames = model.drive(window(side), drive)
            assert frames.shape == (1, 2, 3, side, side)
            assert frames.isfinite().all()


@pytest.mark.parametrize("side", SIDES)
def test_r1_is_computed_in_full_precision(side: int, dtype: torch.dtype) -> None:
    model = system(Generator, side)
    model.log = lambda *_: None  # type: ignore[method-assign]
    penalty = model.r1_penalty(torch.rand(2, 2, 3, side, side), R1())
    assert penalty.dtype == torch.float32
    penalty.backward()
    assert all(p.grad is not None for p in model.adversaries["gan"].parameters() if p.ndim > 1)
