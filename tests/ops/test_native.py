"""Native operations are those of pure PyTorch, to the gradients of their gradients."""

import random
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from talkface.ops import OpsInputError, bias_act, fir_kernel, upfirdn2d
from talkface.ops.bias_act import bias_act_reference
from talkface.ops.upfirdn import upfirdn2d_reference

pytestmark = pytest.mark.usefixtures("native")

LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "contiguous": lambda x: x,
    "channels-last": lambda x: x.to(memory_format=torch.channels_last),
    "cropped": lambda x: torch.nn.functional.pad(x, (1, 1, 2, 1))[..., 2:-1, 1:-1],
    "cropped channels-last": lambda x: torch.nn.functional.pad(x, (1, 1, 2, 1)).to(
        memory_format=torch.channels_last
    )[..., 2:-1, 1:-1],
    "turned": lambda x: x.transpose(2, 3).contiguous().transpose(2, 3),
    "expanded": lambda x: x[:1, :1].expand(x.shape),
}

PADS = [(0, 0), (1, 1), (2, 1), (5, 4), (-1, 3), (3, -2)]

LOSSY = {torch.bfloat16: 2.0**-8, torch.float16: 2.0**-10, torch.float32: 2.0**-21}
"""Largest error relative to the result: one rounding, or a few of float32."""


class Case(NamedTuple):
    x: Tensor
    kernel: Tensor
    up: int
    down: int
    pad: tuple[int, int]


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def kernels() -> dict[str, Tensor]:
    flat = torch.zeros(3, 3, dtype=torch.float64)
    return {"fir": fir_kernel().double(), "random": randn(3, 3), "empty": flat, "wide": randn(7, 2)}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kernel", kernels())
def test_re_sampling_is_the_reference(kernel: str, layout: str) -> None:
    x, taps = LAYOUTS[layout](randn(2, 3, 8, 7)), kernels()[kernel]
    for pad in PADS:
        for up in (1, 2, 3):
            for down in (1, 2, 3):
                out = upfirdn2d(x, taps, up, down, pad)
                torch.testing.assert_close(out, upfirdn2d_reference(x, taps, up, down, pad))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 40, 3, 1), (3, 2, 1, 1), (2, 1, 33, 5)])
def test_activation_is_the_reference(shape: tuple[int, ...], layout: str) -> None:
    x, bias = LAYOUTS[layout](randn(*shape)), randn(shape[1], seed=1)
    for slope in (0.2, 0.0, 1.5, -0.3):
        torch.testing.assert_close(bias_act(x, bias, slope), bias_act_reference(x, bias, slope))


def random_case(rng: random.Random) -> Case:
    while True:
        n, c = rng.randint(0, 3), rng.choice([1, 2, 3, 5, 8, 17])
        h, w, p, q = rng.randint(1, 20), rng.randint(1, 20), rng.randint(1, 6), rng.randint(1, 6)
        up, down = rng.choice([1, 1, 2, 2, 3, 4]), rng.choice([1, 1, 2, 2, 3, 4])
        pad = rng.randint(-3, 6), rng.randint(-3, 6)
        if min(h, w) * up + sum(pad) < max(p, q) or min(h, w) * up + min(pad) + min(0, *pad) < 1:
            continue
        seed = rng.randrange(10**6)
        kernel = randn(p, q, seed=seed)
        if rng.random() < 0.5:
            kernel = torch.outer(kernel[:, 0], kernel[0])
        x = LAYOUTS[rng.choice(list(LAYOUTS))](randn(n, c, h, w, seed=seed + 1))
        return Case(x, kernel, up, down, pad)


def test_five_hundred_random_shapes_agree_forward_and_backward() -> None:
    rng = random.Random(0)
    for number in range(500):
        case = random_case(rng)
        x = case.x.detach().requires_grad_()
        out, expected = upfirdn2d(x, *case[1:]), upfirdn2d_reference(x, *case[1:])
        what = f"case {number}: {tuple(x.shape)} {x.stride()} {case[1:]}"
        grad = randn(*out.shape, seed=number)
        mine, theirs = (torch.autograd.grad(o, x, grad)[0] for o in (out, expected))
        assert torch.allclose(out, expected, 1e-9, 1e-9), what
        assert torch.allclose(mine, theirs, 1e-9, 1e-9), what


@pytest.mark.parametrize("layout", ["contiguous", "channels-last"])
@pytest.mark.parametrize(
    ("up", "down", "pad"),
    [(1, 1, (1, 1)), (2, 1, (2, 1)), (1, 2, (1, 1)), (2, 3, (-1, 3)), (3, 2, (3, -2))],
)
def test_gradients_of_re_sampling_are_those_of_finite_differences(
    up: int, down: int, pad: tuple[int, int], layout: str
) -> None:
    for kernel in (fir_kernel().double(), randn(3, 2)):
        x = LAYOUTS[layout](randn(1, 2, 4, 3)).requires_grad_()
        resample = partial(upfirdn2d, kernel=kernel, up=up, down=down, pad=pad)
        assert torch.autograd.gradcheck(resample, x)
        assert torch.autograd.gradgradcheck(resample, x)


@pytest.mark.parametrize("layout", ["contiguous", "channels-last", "cropped channels-last"])
@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (2, 3, 2, 2), (1, 2, 2, 2, 2)])
def test_gradients_of_the_activation_are_those_of_finite_differences(
    shape: tuple[int, ...], layout: str
) -> None:
    make = LAYOUTS[layout] if len(shape) == 4 else LAYOUTS["contiguous"]
    x, bias = make(randn(*shape)).detach().requires_grad_(), randn(shape[1], seed=1)
    bias.requires_grad_()
    assert torch.autograd.gradcheck(bias_act, (x, bias))
    assert torch.autograd.gradgradcheck(bias_act, (x, bias))


def penalty(
    act: Callable[..., Tensor], resample: Callable[..., Tensor], dtype: torch.dtype
) -> list[Tensor]:
    """Gradients of a squared gradient, as in R1, of a chain of both operations."""
    x = randn(2, 8, 8, 8).to(dtype).to(memory_format=torch.channels_last).requires_grad_()
    weight = randn(8, 8, 3, 3, seed=1).to(dtype).requires_grad_()
    bias = randn(8, seed=2).to(dtype).requires_grad_()
    kernel = fir_kernel(gain=4.0)
    y = resample(torch.nn.functional.conv2d(x, weight, padding=1), kernel, 2, 1, (2, 1))
    y = act(resample(act(y, bias), kernel, 1, 2, (1, 1)), bias)
    (grad,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
    loss = grad.square().sum()
    return [loss, *torch.autograd.grad(loss, (x, weight, bias))]


def test_a_gradient_penalty_has_the_gradients_of_the_reference() -> None:
    mine = penalty(bias_act, upfirdn2d, torch.float64)
    theirs = penalty(bias_act_reference, upfirdn2d_reference, torch.float64)
    torch.testing.assert_close(mine, theirs, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", LOSSY, ids=str)
@pytest.mark.parametrize("layout", ["contiguous", "channels-last"])
def test_short_numbers_are_rounded_once(dtype: torch.dtype, layout: str) -> None:
    x, bias = LAYOUTS[layout](randn(2, 16, 17, 16)).to(dtype), randn(16, seed=1).to(dtype)
    kernel = fir_kernel(gain=4.0)
    for up, down, pad in ((1, 1, (1, 1)), (2, 1, (2, 1)), (1, 2, (1, 1))):
        out = upfirdn2d(x, kernel, up, down, pad)
        exact = upfirdn2d_reference(x.double(), kernel.double(), up, down, pad)
        assert out.dtype == dtype
        torch.testing.assert_close(out.double(), exact, rtol=LOSSY[dtype], atol=4e-6)
    out, exact = bias_act(x, bias), bias_act_reference(x.double(), bias.double())
    torch.testing.assert_close(out.double(), exact, rtol=LOSSY[dtype], atol=1e-6)


@pytest.mark.parametrize("layout", ["contiguous", "channels-last"])
def test_the_layout_of_the_input_is_kept(layout: str) -> None:
    x = LAYOUTS[layout](randn(2, 8, 6, 6)).requires_grad_()
    format_ = torch.channels_last if "last" in layout else torch.contiguous_format
    for out in (upfirdn2d(x, fir_kernel(), pad=(1, 2)), bias_act(x, randn(8))):
        (grad,) = torch.autograd.grad(out, x, torch.ones_like(out))
        assert out.is_contiguous(memory_format=format_)
        assert grad.is_contiguous(memory_format=format_)


def test_two_threads_give_the_numbers_of_one() -> None:
    x = randn(2, 64, 65, 65).float().to(memory_format=torch.channels_last)
    results, threads = [], torch.get_num_threads()
    for count in (1, 2):
        torch.set_num_threads(count)
        results.append((upfirdn2d(x, fir_kernel(), pad=(1, 1)), bias_act(x, randn(64).float())))
    torch.set_num_threads(threads)
    assert all(torch.equal(one, two) for one, two in zip(*results, strict=True))


@pytest.mark.parametrize("shape", [(0, 3, 8, 8), (0, 3), (2, 3, 0, 4)])
def test_empty_batches_pass_with_empty_gradients(shape: tuple[int, ...]) -> None:
    x, bias = torch.zeros(shape).requires_grad_(), torch.ones(3).requires_grad_()
    out = bias_act(x, bias)
    if shape[0] == 0 and len(shape) == 4:
        out = upfirdn2d(out, fir_kernel(), up=2, pad=(2, 1))
        assert out.shape == (0, 3, 16, 16)
    grads = torch.autograd.grad(out.sum(), (x, bias))
    assert grads[0].shape == shape
    assert grads[1].tolist() == [0, 0, 0]


def test_what_goes_not_together_is_refused_with_what_to_do() -> None:
    x, kernel = torch.randn(1, 2, 4, 4), fir_kernel()
    with pytest.raises(OpsInputError, match=r"torch\.float32 and the bias torch\.float64; convert"):
        bias_act(x, torch.zeros(2, dtype=torch.float64))
    with pytest.raises(OpsInputError, match="on cpu and the kernel on meta; move"):
        upfirdn2d(x, kernel.to("meta"))
    with pytest.raises(ValueError, match=r"kernel of \(4, 4\) does not fit .* \[3, 3\]; pad more"):
        upfirdn2d(x, kernel, pad=(-1, 0))
    raw = torch.ops.talkface
    with pytest.raises(RuntimeError, match="2 channels need as many biases, got \\[3\\]"):
        raw.bias_act(x, torch.zeros(3), 0.2)
    with pytest.raises(RuntimeError, match="images must be n c h w, got 3 axes"):
        raw.upfirdn2d(x[0], kernel, 1, 1, 0, 0, 0, 0)
    with pytest.raises(RuntimeError, match="up and down must be at least 1, got 0 and 1"):
        raw.upfirdn2d(x, kernel, 0, 1, 0, 0, 0, 0)


def test_a_kernel_that_learns_gets_its_gradient() -> None:
    kernel = fir_kernel().double().requires_grad_()
    assert torch.autograd.gradcheck(lambda k: upfirdn2d(randn(1, 2, 5, 5), k, 2, 1, (2, 1)), kernel)
