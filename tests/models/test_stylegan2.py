import argparse
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from talkface.models import Generator, IdentityCodes
from talkface.models.stylegan2 import load_stylegan2
from talkface.models.weights import WarmStartError

LATENT = 10
WIDTHS = {4: 8, 8: 8, 16: 8, 32: 8, 64: 6, 128: 3}
CHANNELS = (4, 6, 8, 8, 8)
FIR = torch.outer(*[torch.tensor([1.0, 3.0, 3.0, 1.0])] * 2) / 16


def published(widths: Mapping[int, int] = WIDTHS) -> dict[str, Tensor]:
    """Names and shapes of the public checkpoints, with random numbers for everything."""
    rng = torch.Generator().manual_seed(0)
    weights: dict[str, Tensor] = {}

    def add(name: str, *shape: int, mean: float = 0.0, deviation: float = 1.0) -> None:
        weights[name] = mean + deviation * torch.randn(*shape, generator=rng)

    def modulated(name: str, inputs: int, outputs: int, kernel: int) -> None:
        add(f"{name}.conv.weight", 1, outputs, inputs, kernel, kernel)
        add(f"{name}.conv.modulation.weight", inputs, LATENT)
        add(f"{name}.conv.modulation.bias", inputs, mean=1.0, deviation=0.1)

    def styled(name: str, inputs: int, outputs: int) -> None:
        modulated(name, inputs, outputs, 3)
        add(f"{name}.noise.weight", 1)
        add(f"{name}.activate.bias", outputs)

    def coloured(name: str, inputs: int) -> None:
        modulated(name, inputs, 3, 1)
        add(f"{name}.bias", 1, 3, 1, 1)

    for layer in range(1, 9):
        add(f"style.{layer}.weight", LATENT, LATENT, deviation=100.0)
        add(f"style.{layer}.bias", LATENT, deviation=30.0)
    add("input.input", 1, widths[4], 4, 4)
    styled("conv1", widths[4], widths[4])
    coloured("to_rgb1", widths[4])
    add("noises.noise_0", 1, 1, 4, 4)
    for i, side in enumerate(list(widths)[1:]):
        styled(f"convs.{2 * i}", widths[side // 2], widths[side])
        styled(f"convs.{2 * i + 1}", widths[side], widths[side])
        coloured(f"to_rgbs.{i}", widths[side])
        weights[f"convs.{2 * i}.conv.blur.kernel"] = weights[f"to_rgbs.{i}.upsample.kernel"] = FIR
        add(f"noises.noise_{2 * i + 1}", 1, 1, side, side)
        add(f"noises.noise_{2 * i + 2}", 1, 1, side, side)
    return weights


def saved(folder: Path, weights: Mapping[str, Tensor], **others: Any) -> Path:
    torch.save({"g_ema": weights, **others}, folder / "faces.pt")
    return folder / "faces.pt"


def kernel(weights: Mapping[str, Tensor], name: str, latent: Tensor) -> Tensor:
    """Weights of a convolution as a latent modulates them."""
    slope, bias = (weights[f"{name}.conv.modulation.{part}"] for part in ("weight", "bias"))
    scales = slope @ latent / math.sqrt(LATENT) + bias
    weight = weights[f"{name}.conv.weight"][0]
    return weight * scales[None, :, None, None] / math.sqrt(weight[0].numel())


def smoothed(x: Tensor) -> Tensor:
    return F.conv2d(x.transpose(0, 1), FIR[None, None]).transpose(0, 1)


def styled(
    x: Tensor, weights: Mapping[str, Tensor], name: str, noise: int, latent: Tensor
) -> Tensor:
    """One layer of StyleGAN2, written from the paper: modulate, demodulate, convolve."""
    w = kernel(weights, name, latent)
    w = w / (w.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
    if f"{name}.conv.blur.kernel" in weights:
        x = smoothed(F.pad(F.conv_transpose2d(x, w.transpose(0, 1), stride=2), (1, 1, 1, 1)))
    else:
        x = F.conv2d(x, w, padding=1)
    x = x + weights[f"{name}.noise.weight"] * weights[f"noises.noise_{noise}"]
    x = x + weights[f"{name}.activate.bias"][None, :, None, None]
    return torch.where(x < 0, 0.2 * x, x) * math.sqrt(2)


def face(weights: Mapping[str, Tensor], latent: Tensor, side: int) -> Tensor:
    """The picture of a latent, up to a side."""

    def colours(x: Tensor, name: str) -> Tensor:
        return F.conv2d(x, kernel(weights, name, latent)) + weights[f"{name}.bias"]

    x = styled(weights["input.input"], weights, "conv1", 0, latent)
    picture = colours(x, "to_rgb1")
    for i in range(int(math.log2(side)) - 2):
        x = styled(x, weights, f"convs.{2 * i}", 2 * i + 1, latent)
        x = styled(x, weights, f"convs.{2 * i + 1}", 2 * i + 2, latent)
        spread = torch.zeros(1, 3, 2 * picture.shape[2], 2 * picture.shape[3])
        spread[:, :, ::2, ::2] = picture
        picture = smoothed(F.pad(spread, (2, 1, 2, 1))) + colours(x, f"to_rgbs.{i}")
    return picture


def generator(*, residual: bool = False, base: int = 384, limit: int = 8) -> Generator:
    torch.manual_seed(1)
    return Generator(64, 5, 4, 3, CHANNELS, base, limit, residual=residual).eval()


def rendered(network: Generator) -> Tensor:
    """What a style of zeros asks for; the maps that are spliced are not zero."""
    rng = torch.Generator().manual_seed(2)
    maps = tuple(
        torch.randn(1, c, 64 // 2**i, 64 // 2**i, generator=rng) for i, c in enumerate(CHANNELS)
    )
    image = torch.rand(1, 3, 64, 64, generator=rng)
    plan = network.plan(IdentityCodes(torch.zeros(1, 7), maps, image), torch.zeros(1, 4))
    plan = plan._replace(styles=tuple(torch.zeros_like(style) for style in plan.styles))
    frames: Tensor = network(torch.zeros(1, 5), torch.zeros(1, 4), plan)
    return frames


@torch.no_grad()
def test_a_style_of_zeros_asks_for_the_mean_face_of_a_larger_network(tmp_path: Path) -> None:
    weights, latent = published(), torch.randn(LATENT, generator=torch.Generator().manual_seed(3))
    network = generator()
    load_stylegan2(network, saved(tmp_path, weights, latent_avg=latent))
    expected = face(weights, latent, 64)
    assert expected.std() > 0.1
    torch.testing.assert_close(rendered(network), expected, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_a_mean_latent_that_is_not_stored_is_that_of_the_mapping_network(tmp_path: Path) -> None:
    weights = published()
    x = F.normalize(torch.randn(50_000, LATENT)) * math.sqrt(LATENT)
    for layer in range(1, 9):
        weight, bias = weights[f"style.{layer}.weight"], weights[f"style.{layer}.bias"]
        x = F.leaky_relu(x @ weight.T * 0.01 / math.sqrt(LATENT) + bias * 0.01, 0.2) * 2**0.5
    network = generator()
    args = argparse.Namespace(size=64)
    load_stylegan2(network, saved(tmp_path, weights, args=args))
    slope, bias = (weights[f"conv1.conv.modulation.{part}"] for part in ("weight", "bias"))
    expected = x.mean(0) @ slope.T / math.sqrt(LATENT) + bias
    found = network.state_dict()["levels.0.second.affine.bias"]
    assert (expected - bias).abs().max() > 0.2
    torch.testing.assert_close(found, expected, atol=0.02, rtol=0)


@torch.no_grad()
def test_a_generator_of_changes_still_starts_by_repeating_the_portrait(tmp_path: Path) -> None:
    weights, network = published(), generator(residual=True)
    before = rendered(network)
    report = load_stylegan2(network, saved(tmp_path, weights))
    torch.testing.assert_close(rendered(network), before)
    loaded = network.state_dict()["levels.3.second.weight"]
    assert torch.equal(loaded, weights["convs.5.conv.weight"][0])
    assert "changes of the portrait" in report.left["levels.0.paint.weight"]
    assert "to_rgbs.0.conv.weight" in report.unused


def test_every_name_of_ours_and_theirs_is_accounted_for(tmp_path: Path) -> None:
    weights, network = published(), generator()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    report = load_stylegan2(network, saved(tmp_path, weights))
    after = network.state_dict()
    assert {*report.loaded, *report.left} == after.keys()
    assert not {*report.loaded} & {*report.left}
    for name, value in before.items():
        started = name in report.loaded or "passes its input" in report.left[name]
        assert started or torch.equal(value, after[name]), name
    assert {name for name in report.left if name.endswith("affine.weight")} == {
        name for name in after if name.endswith("affine.weight")
    }
    unused = {name.partition(".")[0] for name in report.unused}
    assert unused == {"style", "convs", "to_rgbs", "noises"}
    assert all(
        name.endswith("kernel") or name.startswith(("convs.8", "convs.9", "to_rgbs.4"))
        for name in report.unused
        if name.startswith(("convs", "to_rgbs"))
    )


@torch.no_grad()
def test_levels_are_taken_up_to_the_first_of_another_width(tmp_path: Path) -> None:
    weights, network = published(WIDTHS | {32: 7}), generator()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    report = load_stylegan2(network, saved(tmp_path, weights))
    changed = {
        name for name, value in network.state_dict().items() if (value != before[name]).any()
    }
    assert {name.split(".")[1] for name in changed if "levels" in name} == {"0", "1", "2"}
    reason = r"another size (convs.4.conv.weight is (7, 8, 3, 3) there and (8, 8, 3, 3) here)"
    assert reason in report.left["levels.4.second.weight"]
    assert reason in str(report)


def test_a_smaller_network_gives_what_it_has(tmp_path: Path) -> None:
    report = load_stylegan2(generator(), saved(tmp_path, published({4: 8, 8: 8})))
    assert "convs.2.conv.weight is missing there" in report.left["levels.2.first.weight"]
    assert "levels.1.second.weight" in report.loaded


def test_weights_from_before_noise_images_were_saved_are_taken(tmp_path: Path) -> None:
    weights = {name: value for name, value in published().items() if "noises" not in name}
    report = load_stylegan2(generator(), saved(tmp_path, weights))
    assert "levels.4.second_activation.fixed" in report.left
    assert "levels.4.second_activation.strength" in report.loaded


def test_a_file_of_which_nothing_fits_is_refused(tmp_path: Path) -> None:
    network = generator(limit=7)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(WarmStartError, match=r"input is \(1, 8, 4, 4\) there .* 32768 and 512"):
        load_stylegan2(network, saved(tmp_path, published()))
    with pytest.raises(WarmStartError, match=r"it holds a, b but no conv1.* names of rosinality"):
        load_stylegan2(network, saved(tmp_path, {"a": torch.ones(1), "b": torch.ones(1)}))
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
