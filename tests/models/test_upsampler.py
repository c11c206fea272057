import pytest
import torch
from torch import Tensor

from talkface.models import Decoder, Generator, IdentityCodes, UpsamplingDecoder

CHANNELS = (4, 6, 8, 8, 8)
MOUTH, FACE, IDENTITY = 6, 4, 7


def decoder(side: int = 64, *, residual: bool = False) -> UpsamplingDecoder:
    torch.manual_seed(0)
    return UpsamplingDecoder(
        side, MOUTH, FACE, IDENTITY, CHANNELS, base=1024, limit=32, residual=residual
    ).eval()


def portraits(count: int = 1, side: int = 64) -> IdentityCodes:
    rng = torch.Generator().manual_seed(1)
    maps = tuple(
        torch.randn(count, c, side // 2**i, side // 2**i, generator=rng)
        for i, c in enumerate(CHANNELS)
    )
    image = torch.rand(count, 3, side, side, generator=rng) * 2 - 1
    return IdentityCodes(torch.randn(count, IDENTITY, generator=rng), maps, image)


def inputs(count: int) -> list[Tensor]:
    rng = torch.Generator().manual_seed(2)
    return [torch.randn(count, width, generator=rng) for width in (MOUTH, FACE)]


@torch.no_grad()
@pytest.mark.parametrize("side", [64, 128, 256])
def test_pictures_have_the_side_asked_for_and_stay_in_range(side: int) -> None:
    network = decoder(side)
    plan = network.plan(portraits(side=side), torch.zeros(1, FACE))
    frames = network(*inputs(2), plan)
    assert frames.shape == (2, 3, side, side)
    assert frames.abs().max() <= 1
    assert frames.std() > 1e-2


@torch.no_grad()
def test_an_untrained_one_repeats_the_portrait_as_the_generator_does() -> None:
    codes = portraits(2)
    for network in (decoder(residual=True), Generator(64, MOUTH, FACE, 5, CHANNELS, 512, 12)):
        frames = network.eval()(*inputs(6), network.plan(codes, torch.zeros(2, FACE)))
        torch.testing.assert_close(frames, codes.image.repeat_interleave(3, 0))
        assert isinstance(network, Decoder)


@torch.no_grad()
def test_one_plan_for_all_frames_is_a_plan_for_every_frame() -> None:
    network, codes, (mouth, face) = decoder(), portraits(2), inputs(6)
    still = torch.randn(2, FACE)
    together = network(mouth, face, network.plan(codes, still))
    for i in range(6):
        who = slice(i // 3, i // 3 + 1)
        own = IdentityCodes(codes.code[who], tuple(m[who] for m in codes.maps), codes.image[who])
        alone = network(mouth[i : i + 1], face[i : i + 1], network.plan(own, still[who]))
        torch.testing.assert_close(alone, together[i : i + 1], atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_it_sees_the_identity_code_and_the_map_of_an_eighth_of_the_side_only() -> None:
    network, codes, drive = decoder(), portraits(), inputs(1)
    still = torch.zeros(1, FACE)
    before = network(*drive, network.plan(codes, still))

    def change(other: IdentityCodes) -> float:
        after = network(*drive, network.plan(other, still))
        return float((after - before).abs().mean())

    assert change(codes._replace(code=codes.code + 1)) > 1e-3
    for scale in range(5):
        maps = (*codes.maps[:scale], codes.maps[scale] + 1, *codes.maps[scale + 1 :])
        assert (change(codes._replace(maps=maps)) > 1e-3) == (scale == 3)
    assert change(codes._replace(image=-codes.image)) == 0


def test_every_parameter_and_every_input_takes_part_in_the_picture() -> None:
    network, codes = decoder(), portraits()
    drive = [x.requires_grad_() for x in inputs(2)]
    network(*drive, network.plan(codes, torch.zeros(1, FACE))).square().mean().backward()
    for name, parameter in [*network.named_parameters(), *zip("mf", drive, strict=True)]:
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name


def test_half_precision_stays_finite() -> None:
    network = decoder()
    with torch.autocast("cpu", torch.bfloat16):
        frames = network(*inputs(2), network.plan(portraits(), torch.zeros(1, FACE)))
    assert frames.isfinite().all()
