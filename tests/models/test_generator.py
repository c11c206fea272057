import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from talkface.models import Generator, IdentityCodes, UpsamplingDecoder, mix_styles
from talkface.models.decoder import REACH, IdentityPlan, moved
from talkface.models.generator import CALM, Level
from talkface.models.layers import ModulatedConv

CHANNELS = (4, 6, 8, 8, 8)
MOUTH, FACE = 6, 4


def untrained(side: int = 64, *, residual: bool = True) -> Generator:
    torch.manual_seed(0)
    return Generator(side, MOUTH, FACE, 5, CHANNELS, base=512, limit=12, residual=residual).eval()


def generator(side: int = 64, *, residual: bool = True) -> Generator:
    """A narrow generator in which nothing is zero, as if it were trained."""
    network = untrained(side, residual=residual)
    with torch.no_grad():
        for parameter in network.parameters():
            if not parameter.any():
                parameter.normal_(std=0.3)
    return network


def portraits(count: int = 1, side: int = 64) -> IdentityCodes:
    rng = torch.Generator().manual_seed(1)
    maps = tuple(
        torch.randn(count, c, side // 2**i, side // 2**i, generator=rng)
        for i, c in enumerate(CHANNELS)
    )
    image = torch.rand(count, 3, side, side, generator=rng) * 2 - 1
    return IdentityCodes(torch.randn(count, 7, generator=rng), maps, image)


def drives(count: int) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(2)
    return torch.randn(count, MOUTH, generator=rng), torch.randn(count, FACE, generator=rng)


def plan_of(network: Generator, codes: IdentityCodes) -> IdentityPlan:
    """The plan of portraits that all do the same."""
    rng = torch.Generator().manual_seed(3)
    return network.plan(codes, torch.randn(FACE, generator=rng).expand(len(codes.code), -1))


@pytest.mark.parametrize(("side", "levels"), [(64, 5), (128, 6)])
def test_pictures_have_the_side_asked_for(side: int, levels: int) -> None:
    network = generator(side)
    plan = plan_of(network, portraits(side=side))
    assert network(*drives(2), plan).shape == (2, 3, side, side)
    assert len(plan.styles) == len(plan.splices) == levels
    sides = [None if splice is None else splice.shape[-1] for splice in plan.splices]
    assert sides == [None, 8, 16, 32, 64, 128][-levels:] if side == 128 else [4, 8, 16, 32, 64]


@torch.no_grad()
def test_one_plan_for_all_frames_is_a_plan_for_every_frame() -> None:
    network = generator()
    codes, (mouth, face) = portraits(2), drives(6)
    together = network(mouth, face, plan_of(network, codes))
    for i in range(6):
        who = slice(i // 3, i // 3 + 1)
        own = IdentityCodes(codes.code[who], tuple(m[who] for m in codes.maps), codes.image[who])
        alone = network(mouth[i : i + 1], face[i : i + 1], plan_of(network, own))
        torch.testing.assert_close(alone, together[i : i + 1], atol=1e-4, rtol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("which", [0, 1], ids=["mouth", "face"])
def test_a_code_changes_its_own_frame_only(which: int) -> None:
    network = generator()
    plan, codes = plan_of(network, portraits()), list(drives(3))
    before = network(*codes, plan)
    codes[which] = codes[which] + torch.tensor([0.0, 0.5, 0.0])[:, None]
    change = (network(*codes, plan) - before).abs().mean((1, 2, 3))
    assert change[1] > 1e-2
    assert change[0] == change[2] == 0


@torch.no_grad()
@pytest.mark.parametrize("scale", range(5))
@pytest.mark.parametrize("way", ["style", "splice"])
def test_every_identity_map_changes_the_picture_as_style_and_as_splice(
    scale: int, way: str
) -> None:
    network = generator()
    codes, (mouth, face) = portraits(), drives(1)
    if way == "style":
        for name, parameter in network.named_parameters():
            if ".splice." in name:
                parameter.zero_()
        change = torch.ones_like(codes.maps[scale])
    else:
        change = codes.maps[scale] - codes.maps[scale].mean((2, 3), keepdim=True)
    maps = (*codes.maps[:scale], codes.maps[scale] + change, *codes.maps[scale + 1 :])
    before = network(mouth, face, plan_of(network, codes))
    after = network(mouth, face, plan_of(network, codes._replace(maps=maps)))
    assert (after - before).abs().mean() > 1e-3


@torch.no_grad()
def test_the_side_without_a_map_takes_its_style_from_the_smallest_map() -> None:
    network = generator(128)
    plan = plan_of(network, portraits(side=128))
    smallest = portraits(side=128).maps[4].mean((2, 3))
    for level in (0, 1):
        torch.testing.assert_close(plan.styles[level], network.styles[level](smallest))


@torch.no_grad()
def test_an_untrained_generator_repeats_the_portrait_unless_it_paints_it_all() -> None:
    codes, inputs = portraits(2), drives(6)
    network = untrained()
    expected = codes.image.repeat_interleave(3, 0)
    torch.testing.assert_close(network(*inputs, plan_of(network, codes)), expected)
    network = untrained(residual=False)
    assert (network(*inputs, plan_of(network, codes)) - expected).abs().mean() > 0.1


@torch.no_grad()
def test_what_the_face_of_a_portrait_does_changes_its_own_frames_only() -> None:
    network, codes, inputs = generator(), portraits(2), drives(4)
    still = torch.zeros(2, FACE)
    before = network(*inputs, network.plan(codes, still))
    still[1] += 0.5
    change = (network(*inputs, network.plan(codes, still)) - before).abs().mean((1, 2, 3))
    assert change[0] == change[1] == 0
    assert (change[2:] > 1e-2).all()


def test_the_change_of_a_face_counts_however_small_it_is_beside_the_face() -> None:
    network, codes, (mouth, face) = generator().train(), portraits(2), drives(4)
    still = torch.randn(2, FACE)
    wanted = still.repeat_interleave(2, 0) + 1e-2 * face
    with torch.no_grad():
        for _ in range(500):
            network.change(1e-2 * torch.randn(20, FACE))
        network.eval()
        there = network(mouth, wanted, network.plan(codes, still))
        stay = network(mouth, still.repeat_interleave(2, 0), network.plan(codes, still))
    assert (there - stay).abs().mean() > 0.1


@torch.no_grad()
def test_the_portrait_is_moved_and_then_painted_over() -> None:
    codes, inputs = portraits(2), drives(2)
    difference = generator()
    seen: list[Tensor] = []
    last = list(difference.levels)[-1]
    last.register_forward_hook(lambda *args: seen.append(args[2][1]))
    found = difference(*inputs, plan_of(difference, codes))
    colour, flow = seen[0][:, :3], seen[0][:, 3:]
    assert flow.abs().mean() > 0.1
    torch.testing.assert_close(found, moved(codes.image, REACH * flow) + colour)


def test_a_generator_that_paints_it_all_sees_no_portrait_but_its_codes() -> None:
    network, codes, inputs = generator(residual=False), portraits(2), drives(2)
    other = codes._replace(image=-codes.image)
    painted = network(*inputs, plan_of(network, codes))
    assert torch.equal(network(*inputs, plan_of(network, other)), painted)


def test_a_picture_moves_against_the_flow_and_repeats_its_edge() -> None:
    image = torch.rand(1, 3, 8, 8)
    right, down = torch.zeros(1, 2, 8, 8), torch.zeros(1, 2, 8, 8)
    right[:, 0], down[:, 1] = 2 / 4, 1 / 4
    torch.testing.assert_close(moved(image, 0 * right), image)
    torch.testing.assert_close(moved(image, right)[..., :6], image[..., 2:])
    torch.testing.assert_close(moved(image, right)[..., 6:], image[..., 7:].expand(1, 3, 8, 2))
    torch.testing.assert_close(moved(image, down)[:, :, :7], image[:, :, 1:])


@torch.no_grad()
def test_styles_of_an_untrained_generator_scatter_little_about_one() -> None:
    torch.manual_seed(0)
    network = Generator(64, identity_dim=16, identity_channels=CHANNELS)
    styles = torch.randn(200, 256 + 2 * 64 + 16)
    for module in network.modules():
        if isinstance(module, ModulatedConv):
            scales = module.affine(styles)
            assert scales.mean().item() == pytest.approx(1, abs=0.05)
            assert scales.std().item() == pytest.approx(CALM, rel=0.1)


@torch.no_grad()
def test_frames_flicker_in_training_only() -> None:
    network = generator()
    plan, (mouth, face) = plan_of(network, portraits()), drives(1)
    twice = network(mouth.expand(2, -1), face.expand(2, -1), plan)
    torch.testing.assert_close(twice[0], twice[1])
    network.train()
    twice = network(mouth.expand(2, -1), face.expand(2, -1), plan)
    assert (twice[0] - twice[1]).abs().mean() > 1e-3


@torch.no_grad()
def test_the_picture_of_the_level_below_is_drawn_twice_as_large_under_the_new_one() -> None:
    level = Level(3, 4, 0, 2, 16, 3, up=True)
    level.paint.weight.zero_()
    level.paint_bias.copy_(torch.tensor([0.0, 10.0, 20.0]))
    slope = torch.arange(8.0).expand(1, 3, 8, 8)
    _, picture = level(torch.randn(1, 3, 8, 8), slope, torch.zeros(1, 2), None)
    expected = (torch.arange(16) + 0.5) / 2 - 0.5
    for channel, bias in enumerate((0.0, 10.0, 20.0)):
        torch.testing.assert_close(picture[0, channel, 7, 2:-2], expected[2:-2] + bias)


@torch.no_grad()
def test_a_splice_adds_the_portrait_to_its_own_frames_at_unit_variance() -> None:
    torch.manual_seed(0)
    level = Level(16, 16, 5, 2, 32, 3, up=False)
    seen: list[Tensor] = []
    level.first_activation.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    x, style, splice = torch.randn(4, 16, 32, 32), torch.zeros(4, 2), torch.randn(2, 16, 32, 32)
    level(x, None, style, splice)
    assert level.merge is not None
    merged = level.merge(level.first(x, style))
    torch.testing.assert_close(seen[0], (merged + splice[[0, 0, 1, 1]]) / math.sqrt(2))
    assert seen[0].var().item() == pytest.approx(1, abs=0.15)


@torch.no_grad()
def test_mouth_face_and_portrait_may_come_from_three_people() -> None:
    network = generator()
    mouth, face = drives(3)
    codes = portraits(3)
    plan = plan_of(network, codes)
    styles = network.style(mouth, face, plan)
    other = network.style(mouth.roll(1, 0), face, plan)
    changed = (styles != other).any(0).any(0)
    assert changed.nonzero().flatten().tolist() == list(range(MOUTH))
    other = network.style(mouth, face.roll(1, 0), plan)
    changed = (styles != other).any(0).any(0)
    assert changed[:MOUTH].logical_not().all()
    assert changed[MOUTH : MOUTH + FACE].all()
    assert changed[-FACE:].all()
    moved_in = plan._replace(styles=tuple(s.roll(1, 0) for s in plan.styles))
    changed = (styles != network.style(mouth, face, moved_in)).any(0).any(0)
    assert changed.nonzero().flatten().tolist() == list(range(MOUTH + FACE, MOUTH + FACE + 5))


@torch.no_grad()
@pytest.mark.parametrize("crossover", range(6))
def test_mixed_styles_are_coarse_below_the_crossover_and_fine_from_there(crossover: int) -> None:
    network, codes = generator(), portraits(2)
    plan = plan_of(network, codes)
    styles = network.style(*drives(2), plan)
    mixed = mix_styles(styles, styles.flip(0), crossover)
    for level in range(5):
        source = styles if level < crossover else styles.flip(0)
        assert torch.equal(mixed[:, level], source[:, level])
    pictures = network.paint(mixed, plan)
    untouched = network.paint(styles, plan)
    assert torch.equal(pictures, untouched) == (crossover == 5)


@torch.no_grad()
def test_without_splices_a_portrait_is_seen_through_its_styles_only() -> None:
    torch.manual_seed(0)
    network = Generator(
        64, MOUTH, FACE, 5, CHANNELS, base=512, limit=12, residual=False, splices=False
    ).eval()
    codes, inputs = portraits(), drives(1)
    plan = plan_of(network, codes)
    assert plan.splices == (None,) * 5
    shuffled = codes._replace(maps=tuple(m.flip(2) for m in codes.maps))
    painted = network(*inputs, plan)
    torch.testing.assert_close(network(*inputs, plan_of(network, shuffled)), painted)
    other = codes._replace(maps=tuple(m + 1 for m in codes.maps))
    assert (network(*inputs, plan_of(network, other)) - painted).abs().mean() > 1e-3


def test_without_a_face_feature_mouth_and_portrait_are_left() -> None:
    torch.manual_seed(0)
    network = Generator(64, MOUTH, 0, 5, CHANNELS, base=512, limit=12, residual=False)
    plan = network.plan(portraits(), torch.zeros(1, 0))
    mouth = drives(2)[0]
    assert network.style(mouth, torch.zeros(2, 0), plan).shape == (2, 5, MOUTH + 5)
    assert network(mouth, torch.zeros(2, 0), plan).isfinite().all()


@pytest.mark.parametrize("side", [72, 100, 32, 0])
def test_sides_that_no_doubling_reaches_are_refused(side: int) -> None:
    with pytest.raises(ValueError, match=f"must be at least 64 and 4, 5, 6 or 7 .* got {side}"):
        Generator(side)


@pytest.mark.parametrize(("side", "first"), [(64, 4), (80, 5), (96, 6), (224, 7), (256, 4)])
def test_every_side_is_doubled_from_a_small_one(side: int, first: int) -> None:
    sides = Generator(side, base=side, limit=2).sides
    assert (sides[0], sides[-1]) == (first, side)
    assert all(large == 2 * small for small, large in pairwise(sides))


@pytest.mark.parametrize("network", [Generator, UpsamplingDecoder])
def test_sides_between_powers_of_two_are_painted(
    network: type[Generator] | type[UpsamplingDecoder],
) -> None:
    torch.manual_seed(0)
    decoder = network(96, MOUTH, FACE, 7, CHANNELS, base=192, limit=8)
    frames = decoder(*drives(2), decoder.plan(portraits(1, 96), torch.zeros(1, FACE)))
    assert frames.shape == (2, 3, 96, 96)


def test_sizes_that_leave_a_level_without_channels_or_maps_are_refused() -> None:
    with pytest.raises(ValueError, match=r"base must be at least the side 64 .* got 32 and 256"):
        Generator(64, base=32)
    with pytest.raises(ValueError, match=r"must name 5 maps, .* got \[8, 8\]"):
        Generator(64, identity_channels=(8, 8))


def test_every_parameter_and_every_input_takes_part_in_the_picture() -> None:
    network = generator().train()
    codes, inputs = portraits(), [x.requires_grad_() for x in drives(2)]
    network(*inputs, plan_of(network, codes)).square().mean().backward()
    for name, parameter in [*network.named_parameters(), *zip("mf", inputs, strict=True)]:
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


def test_half_precision_stays_finite_and_close_to_full_precision() -> None:
    network = generator()
    codes, (mouth, face) = portraits(), drives(2)
    full = network(mouth, face, plan_of(network, codes))
    with torch.autocast("cpu", torch.bfloat16):
        half = network(100 * mouth, face, plan_of(network, codes))
        assert half.isfinite().all()
        half = network(mouth, face, plan_of(network, codes))
    half.float().square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
    assert (half - full).abs().mean() < 0.03 * full.abs().mean()


def test_a_flow_that_is_no_number_shows_and_crashes_nothing() -> None:
    flow = torch.zeros(1, 2, 8, 8)
    flow[0, 0, 1, 1], flow[0, 1, 2, 2] = torch.nan, torch.inf
    flow.requires_grad_()
    out = moved(torch.rand(1, 3, 8, 8), flow)
    unknown = ~out.isfinite().all(1)[0]
    assert unknown.nonzero().tolist() == [[1, 1], [2, 2]]
    (gradient,) = torch.autograd.grad(out.sum(), flow)
    assert gradient.shape == flow.shape
