import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import grad, gradcheck, gradgradcheck

from talkface.models.layers import (
    EqualConv,
    EqualLinear,
    ModulatedConv,
    NoisyActivation,
    RunningStandardize,
)

ROOT = math.sqrt(2)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_equalised_weights_are_divided_by_the_root_of_the_inputs_when_used() -> None:
    layer = EqualLinear(9, 4, bias=0.5)
    x = normal(2, 3, 9)
    expected = torch.einsum("bti,oi->bto", x, layer.weight) / 3 + 0.5
    torch.testing.assert_close(layer(x), expected)


def test_equalised_convolution_shows_its_kernel_on_a_single_point() -> None:
    layer = EqualConv(4, 2, 3)
    x = torch.zeros(1, 4, 5, 5)
    x[0, 3, 2, 2] = 1
    out = layer(x)
    assert out.shape == (1, 2, 5, 5)
    torch.testing.assert_close(out[0, :, 1:4, 1:4], layer.weight[:, 3].flip(1, 2) / 6)


def modulated(conv: ModulatedConv, x: Tensor, style: Tensor) -> Tensor:
    """The textbook form: weights of its own for every sample; zero-insert, convolve, FIR."""
    signal = pytest.importorskip("scipy.signal")
    scales = style @ (conv.affine.weight / math.sqrt(style.shape[1])).T + conv.affine.bias
    fan = conv.weight[0].numel()
    fir = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 16
    samples = []
    for image, scale in zip(x.detach().numpy(), scales.detach().numpy(), strict=True):
        weight = conv.weight.detach().numpy() / math.sqrt(fan) * scale[None, :, None, None]
        if conv.demodulate:
            weight = weight / np.sqrt((weight**2).sum((1, 2, 3), keepdims=True) + 1e-8)
        channels = []
        for kernels in weight:
            pairs = zip(image, kernels, strict=True)
            if conv.up:
                side = 2 * len(image[0])
                total = sum(signal.convolve2d(stuffed(one), kernel) for one, kernel in pairs)
                channels.append(signal.convolve2d(total, fir)[2 : 2 + side, 2 : 2 + side])
            else:
                channels.append(
                    sum(signal.correlate2d(one, kernel, mode="same") for one, kernel in pairs)
                )
        samples.append(np.stack(channels))
    return torch.from_numpy(np.stack(samples))


def stuffed(image: np.ndarray) -> np.ndarray:
    out = np.zeros([2 * side for side in image.shape])
    out[::2, ::2] = image
    return out


@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize("demodulate", [False, True])
@pytest.mark.parametrize("inputs", [1, 3])
def test_modulated_convolution_is_one_with_weights_of_its_own_per_sample(
    *, up: bool, demodulate: bool, inputs: int
) -> None:
    conv = ModulatedConv(inputs, 2, 3, 5, demodulate=demodulate, up=up).double()
    x, style = normal(2, inputs, 4, 4).double(), normal(2, 5, seed=1).double()
    torch.testing.assert_close(
        conv(x, style), modulated(conv, x, style), atol=1e-12, rtol=0, check_dtype=True
    )


def grouped(conv: ModulatedConv, x: Tensor, style: Tensor) -> Tensor:
    """The same with gradients: one convolution in which every sample is a group."""
    n, i, h, w = x.shape
    scales = F.linear(style, conv.affine.weight / math.sqrt(style.shape[1]), conv.affine.bias)
    weight = conv.weight / math.sqrt(conv.weight[0].numel()) * scales[:, None, :, None, None]
    if conv.demodulate:
        weight = weight / (weight.square().sum((2, 3, 4), keepdim=True) + 1e-8).sqrt()
    x = x.reshape(1, n * i, h, w)
    if not conv.up:
        return F.conv2d(x, weight.flatten(0, 1), padding=1, groups=n).view(n, -1, h, w)
    spread = weight.transpose(1, 2).flatten(0, 1)
    wide = F.conv_transpose2d(x, spread, stride=2, groups=n).view(n, -1, 2 * h + 1, 2 * w + 1)
    row = torch.tensor([1.0, 3.0, 3.0, 1.0]).double()
    fir = torch.outer(row, row) / 16
    return F.conv2d(wide, fir.expand(wide.shape[1], 1, 4, 4), padding=1, groups=wide.shape[1])


@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize("demodulate", [False, True])
def test_first_and_second_derivatives_are_those_of_weights_per_sample(
    *, up: bool, demodulate: bool
) -> None:
    conv = ModulatedConv(2, 3, 3, 4, demodulate=demodulate, up=up).double()
    inputs = [normal(2, 2, 3, 3).double(), normal(2, 4, seed=1).double()]
    leaves = [x.requires_grad_() for x in inputs] + [conv.weight, conv.affine.weight]
    found = []
    for form in (conv, lambda x, style: grouped(conv, x, style)):
        out = form(*inputs)
        first = grad((out * normal(*out.shape, seed=2)).sum(), leaves, create_graph=True)
        bent = sum((g * normal(*g.shape, seed=3)).sum() for g in first)
        second = grad(torch.as_tensor(bent), leaves, allow_unused=True)
        found.append([out, *first, *(torch.zeros(()) if s is None else s for s in second)])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-10, rtol=1e-10)
    assert gradcheck(conv, inputs)
    assert gradgradcheck(conv, inputs)


@pytest.mark.parametrize("kernel", [1, 3])
def test_a_demodulated_output_has_unit_variance_under_every_style(kernel: int) -> None:
    torch.manual_seed(0)
    conv = ModulatedConv(64, 32, kernel, 8)
    style = normal(4, 8, seed=1) * torch.tensor([0.1, 1.0, 5.0, 50.0])[:, None]
    out = conv(normal(4, 64, 34, 34), style)[..., 1:-1, 1:-1]
    torch.testing.assert_close(out.var((1, 2, 3)), torch.ones(4), atol=0.06, rtol=0)
    assert out.mean((1, 2, 3)).abs().max() < 0.05


@pytest.mark.parametrize(("demodulate", "factor"), [(True, 1.0), (False, 3.0)])
def test_only_demodulation_takes_out_the_size_of_a_style(
    *, demodulate: bool, factor: float
) -> None:
    conv = ModulatedConv(4, 3, 3, 6, demodulate=demodulate)
    with torch.no_grad():
        conv.affine.bias.zero_()
    x, style = normal(2, 4, 8, 8), normal(2, 6, seed=1)
    torch.testing.assert_close(conv(x, 3 * style), factor * conv(x, style))


def test_doubling_draws_a_slope_through_the_centres_of_the_pixels() -> None:
    conv = ModulatedConv(1, 1, 3, 2, demodulate=False, up=True)
    with torch.no_grad():
        conv.weight.zero_()
        conv.weight[0, 0, 1, 1] = 3
        slope = torch.arange(8.0).expand(1, 1, 8, 8)
        out = conv(slope, torch.zeros(1, 2))
    assert out.shape == (1, 1, 16, 16)
    expected = (torch.arange(16) + 0.5) / 2 - 0.5
    torch.testing.assert_close(out[0, 0, 6, 2:-2], expected[2:-2])


def noisy() -> NoisyActivation:
    layer = NoisyActivation(3, 4)
    with torch.no_grad():
        layer.strength.fill_(0.5)
        layer.bias.copy_(torch.tensor([1.0, 2.0, 3.0]))
    return layer


def test_noise_is_one_fixed_image_in_evaluation() -> None:
    layer = noisy().eval()
    x = torch.full((2, 3, 4, 4), 50.0)
    added = layer(x) / ROOT - x - layer.bias[:, None, None]
    torch.testing.assert_close(added, (0.5 * layer.fixed).expand(2, 3, 4, 4), atol=1e-5, rtol=0)
    assert torch.equal(layer(x), layer(x))


def test_noise_of_evaluation_is_kept_in_the_state() -> None:
    first, second = noisy().eval(), noisy().eval()
    x = normal(1, 3, 4, 4)
    assert not torch.equal(first(x), second(x))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(x), second(x))


def test_noise_of_training_is_new_for_every_sample_and_the_same_for_its_channels() -> None:
    layer = noisy()
    x = torch.full((200, 3, 4, 4), 50.0)
    added = layer(x) / ROOT - x - layer.bias[:, None, None]
    torch.testing.assert_close(added[:, 0], added[:, 2], atol=1e-5, rtol=0)
    assert added[:, 0].flatten(1).std(0).min() > 0.4
    assert added.std().item() == pytest.approx(0.5, abs=0.05)
    assert not torch.equal(layer(x), layer(x))


@pytest.mark.parametrize("training", [False, True])
def test_untrained_noise_has_no_strength(*, training: bool) -> None:
    layer = NoisyActivation(3, 4).train(training)
    x = normal(2, 3, 4, 4)
    torch.testing.assert_close(layer(x), torch.where(x > 0, x, 0.2 * x) * ROOT)


@pytest.mark.parametrize("spread", [0.0, 3.0])
def test_statistics_are_those_of_all_samples_seen_so_far(spread: float) -> None:
    layer = RunningStandardize(4)
    batches = [normal(10, 4, seed=i) for i in range(5)]
    seen = [x - x.mean(0) + spread * i for i, x in enumerate(batches)]
    for x in seen:
        layer(x)
    together = torch.cat(seen)
    torch.testing.assert_close(layer.mean, together.mean(0), atol=1e-5, rtol=0)
    torch.testing.assert_close(layer.var, together.var(0, correction=0), rtol=1e-4, atol=1e-5)


def test_the_first_batch_comes_out_standardised() -> None:
    out = RunningStandardize(4)(7 + 3 * normal(2, 50, 4))
    torch.testing.assert_close(out.mean((0, 1)), torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        out.flatten(0, 1).var(0, correction=0), torch.ones(4), atol=1e-4, rtol=0
    )


def test_statistics_are_exponential_from_the_horizon_on() -> None:
    layer = RunningStandardize(1, horizon=2)
    means = []
    for value in (0.0, 4.0, 8.0, 0.0):
        layer(torch.full((3, 1), value))
        means.append(layer.mean.item())
    assert means == [0.0, 2.0, 5.0, 2.5]


def test_evaluation_does_what_training_did_and_changes_nothing() -> None:
    layer = RunningStandardize(4)
    layer(5 * normal(20, 4))
    x = 2 + normal(20, 4, seed=1)
    trained = layer(x)
    state = {name: value.clone() for name, value in layer.state_dict().items()}
    layer.eval()
    assert torch.equal(layer(x), trained)
    layer(x + 100)
    for name, value in layer.state_dict().items():
        assert torch.equal(value, state[name]), name


def test_the_gradient_does_not_pass_through_the_statistics() -> None:
    layer = RunningStandardize(2)
    x = normal(8, 2).requires_grad_()
    layer(x).sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, torch.rsqrt(layer.var + 1e-5).expand(8, 2))


def test_codes_that_are_all_alike_are_standardised_to_almost_nothing() -> None:
    standardize = RunningStandardize(64)
    torch.manual_seed(0)
    alike = (100 * torch.rand(1, 64)).expand(30, -1)
    for _ in range(3):
        codes = standardize(alike)
    assert (standardize.var >= 0).all()
    assert codes.abs().max() < 0.1
