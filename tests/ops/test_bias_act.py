import math

import pytest
import torch

from talkface.ops import bias_act

pytestmark = [
    pytest.mark.usefixtures("each_way"),
    pytest.mark.parametrize("each_way", ["reference", "native"], indirect=True),
]

ROOT = math.sqrt(2)


@pytest.mark.parametrize(
    ("value", "bias", "slope", "expected"),
    [
        (3.0, 1.0, 0.2, 4.0 * ROOT),
        (-3.0, 1.0, 0.2, -0.4 * ROOT),
        (1.0, -3.0, 0.2, -0.4 * ROOT),
        (-1.0, 0.0, 0.5, -0.5 * ROOT),
        (2.0, -2.0, 0.2, 0.0),
    ],
)
def test_bias_comes_first_then_the_leak_then_the_gain(
    value: float, bias: float, slope: float, expected: float
) -> None:
    out = bias_act(torch.full((1, 1, 2, 2), value), torch.tensor([bias]), slope)
    torch.testing.assert_close(out, torch.full((1, 1, 2, 2), expected))


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 5), (2, 3, 4, 5)])
def test_every_channel_has_its_own_bias(shape: tuple[int, ...]) -> None:
    out = bias_act(torch.zeros(shape), torch.tensor([1.0, 2.0, -5.0]))
    expected = torch.tensor([ROOT, 2 * ROOT, -ROOT])
    torch.testing.assert_close(out.transpose(0, 1).flatten(1)[:, 0], expected)
    assert (out.transpose(0, 1).flatten(1).std(1) == 0).all()


def test_power_of_normal_input_is_kept() -> None:
    x = torch.randn(1, 1, 300, 300, generator=torch.Generator().manual_seed(0))
    power = bias_act(x, torch.zeros(1)).square().mean().item()
    assert power == pytest.approx(2 * (1 + 0.2**2) / 2, rel=0.02)


def test_gradients_are_those_of_finite_differences() -> None:
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 2, 2, generator=rng, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(3, generator=rng, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(bias_act, (x, bias))
