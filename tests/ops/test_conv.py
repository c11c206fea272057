"""The native convolution is torch's, within bounds that are said, to the gradients of gradients."""

import random

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from talkface.ops import OpsInputError, conv, conv3x3, native
from tests.ops.test_native import LAYOUTS, randn

pytestmark = pytest.mark.usefixtures("native")

ROUNDING = {torch.float64: 1e-13, torch.float32: 1e-4}
"""Largest error, relative to the largest value."""


def apart(found: Tensor, expected: Tensor) -> float:
    return float(((found.double() - expected).abs().max() / expected.abs().max()).detach())


def three(x: Tensor, weight: Tensor, grad: Tensor) -> dict[str, Tensor]:
    """What torch makes of the same: output, gradient of the input and of the weight."""
    x, weight = x.detach().requires_grad_(), weight.detach().requires_grad_()
    out = conv.conv3x3_reference(x, weight)
    dx, dw = torch.autograd.grad(out, (x, weight), grad)
    return {"out": out.detach(), "dx": dx, "dw": dw}


def native_three(x: Tensor, weight: Tensor, grad: Tensor) -> dict[str, Tensor]:
    x, weight = x.detach().requires_grad_(), weight.detach().requires_grad_()
    out = native.conv3x3(x, weight)
    dx, dw = torch.autograd.grad(out, (x, weight), grad)
    return {"out": out.detach(), "dx": dx, "dw": dw}


@pytest.mark.parametrize("dtype", ROUNDING, ids=str)
def test_random_shapes_agree_with_torch_in_64_bits(dtype: torch.dtype) -> None:
    rng = random.Random(0)
    widths = [1, 2, 3, 7, 8, 9, 15, 16, 17, 24, 33, 40]
    for number in range(60):
        n, i, o = rng.randint(1, 3), rng.choice(widths), rng.choice(widths)
        h, w = rng.randint(1, 23), rng.randint(1, 23)
        x = LAYOUTS[rng.choice(list(LAYOUTS))](randn(n, i, h, w, seed=number))
        weight = LAYOUTS[rng.choice(["contiguous", "channels-last"])](randn(o, i, 3, 3))
        grad = randn(n, o, h, w, seed=number + 1)
        expected = three(x, weight, grad)
        found = native_three(x.to(dtype), weight.to(dtype), grad.to(dtype))
        for name, value in found.items():
            what = f"case {number}: {name} of {tuple(x.shape)} {x.stride()} to {o}"
            assert value.dtype == dtype
            assert apart(value, expected[name]) < ROUNDING[dtype], what


def test_wide_layers_in_turns_of_filters_agree() -> None:
    x, weight, grad = randn(1, 512, 9, 8), randn(270, 512, 3, 3), randn(1, 270, 9, 8)
    expected = three(x, weight, grad)
    for name, value in native_three(x.float(), weight.float(), grad.float()).items():
        assert apart(value, expected[name]) < ROUNDING[torch.float32], name


@pytest.mark.parametrize("layout", ["contiguous", "channels-last", "cropped channels-last"])
def test_gradients_are_those_of_finite_differences(layout: str) -> None:
    x = LAYOUTS[layout](randn(1, 2, 5, 3)).detach().requires_grad_()
    weight = randn(3, 2, 3, 3).requires_grad_()
    assert torch.autograd.gradcheck(native.conv3x3, (x, weight))
    assert torch.autograd.gradgradcheck(native.conv3x3, (x, weight))


def test_a_gradient_penalty_in_32_bits_has_the_gradients_of_torch_in_64() -> None:
    def penalty(convolve: object, dtype: torch.dtype) -> list[Tensor]:
        x = randn(2, 32, 12, 12).to(dtype).to(memory_format=torch.channels_last).requires_grad_()
        weights = [(randn(32, 32, 3, 3, seed=s) / 17).to(dtype).requires_grad_() for s in (1, 2)]
        y = x
        for weight in weights:
            y = F.silu(convolve(y, weight))  # type: ignore[operator]
        (grad,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
        loss = grad.square().sum()
        return [loss, *torch.autograd.grad(loss, (x, *weights))]

    found = penalty(conv3x3, torch.float32)
    for mine, theirs in zip(found, penalty(conv.conv3x3_reference, torch.float64), strict=True):
        assert apart(mine, theirs) < 1e-4


def test_two_threads_give_the_numbers_of_one() -> None:
    x, weight = randn(2, 48, 40, 40).float(), randn(96, 48, 3, 3).float()
    results, threads = [], torch.get_num_threads()
    for count in (1, 2):
        torch.set_num_threads(count)
        results.append((native.conv3x3(x, weight), native.conv3x3(x[:1, :, :8], weight)))
    torch.set_num_threads(threads)
    assert all(torch.equal(one, two) for one, two in zip(*results, strict=True))


def test_empty_batches_pass_with_empty_gradients() -> None:
    x, weight = torch.zeros(0, 3, 8, 8).requires_grad_(), torch.ones(5, 3, 3, 3).requires_grad_()
    out = native.conv3x3(x, weight)
    assert out.shape == (0, 5, 8, 8)
    dx, dw = torch.autograd.grad(out.sum(), (x, weight))
    assert dx.shape == x.shape
    assert torch.equal(dw, torch.zeros_like(weight))


def used(x: Tensor, weight: Tensor) -> bool:
    """Whether the native convolution is what ``conv3x3`` takes."""
    out = conv3x3(x.clone(memory_format=torch.preserve_format).requires_grad_(), weight)
    return "talkface" in str(out.grad_fn)


def test_it_is_native_where_that_pays_and_torch_elsewhere() -> None:
    x = torch.randn(2, 32, 16, 16).to(memory_format=torch.channels_last)
    weight = torch.randn(64, 32, 3, 3)
    assert used(x, weight)
    assert not used(x[:, :, :4, :4], weight)  # two tiles
    assert not used(x[:, :8].contiguous(memory_format=torch.channels_last), weight[:, :8])
    assert not used(x.contiguous(), weight)
    assert not used(x.double(), weight.double())
    assert not used(x.bfloat16(), weight.bfloat16())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert conv3x3(x, weight).dtype == torch.bfloat16


def test_what_goes_not_together_is_refused_with_what_to_do() -> None:
    x, weight = torch.randn(1, 2, 4, 4), torch.randn(3, 2, 3, 3)
    with pytest.raises(OpsInputError, match=r"torch\.float32 and the weight torch\.float64; conv"):
        conv3x3(x, weight.double())
    with pytest.raises(RuntimeError, match=r"2 channels need a weight of o 2 3 3, got \[3, 2, 1,"):
        native.conv3x3(x, weight[:, :, :1])
    with pytest.raises(RuntimeError, match=r"does not belong to an input of \[1, 2, 4, 4\]"):
        torch.ops.talkface.conv3x3_weight(x, x[:, :, 1:])
