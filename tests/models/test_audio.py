import copy

import pytest
import torch
from torch import Tensor

from talkface.models import AudioEncoder


def encoder(coefficients: int = 12, steps: int = 20) -> AudioEncoder:
    torch.manual_seed(0)
    return AudioEncoder(6, coefficients, steps, width=8)


def sound(b: int = 2, t: int = 3, coefficients: int = 12, steps: int = 20) -> Tensor:
    rng = torch.Generator().manual_seed(1)
    return torch.randn(b, t, coefficients, steps, generator=rng)


@pytest.mark.parametrize(("coefficients", "steps"), [(12, 20), (13, 4), (13, 35)])
def test_every_frame_gets_a_code_whatever_the_patch_is(coefficients: int, steps: int) -> None:
    codes = encoder(coefficients, steps)(sound(2, 3, coefficients, steps))
    assert codes.shape == (2, 3, 6)


@pytest.mark.parametrize(("coefficients", "steps"), [(13, 20), (12, 4), (20, 12)])
def test_another_patch_is_refused_by_name(coefficients: int, steps: int) -> None:
    message = rf"patches of 12 x 20, got {coefficients} x {steps}; use the MFCC preset of the check"
    with pytest.raises(ValueError, match=message):
        encoder()(sound(1, 1, coefficients, steps))


@torch.no_grad()
def test_a_code_depends_on_the_patch_of_its_frame_only() -> None:
    network, mfcc = encoder().eval(), sound()
    before = network(mfcc)
    mfcc[1, 2] += 1
    change = (network(mfcc) - before).abs().amax(2)
    assert change[1, 2] > 1e-3
    change[1, 2] = 0
    assert change.max() < 1e-5


@torch.no_grad()
def test_scale_and_offset_of_a_coefficient_make_no_difference_in_training() -> None:
    first = encoder()
    second = copy.deepcopy(first)
    codes = []
    for network, mfcc in (
        (first, sound()),
        (second, sound() * torch.logspace(-1, 2, 12)[:, None] - 40),
    ):
        torch.manual_seed(0)
        codes.append(network(mfcc))
    torch.testing.assert_close(*codes, atol=1e-2, rtol=0)


@torch.no_grad()
def test_training_standardises_the_codes() -> None:
    codes = encoder()(sound(8, 16)).flatten(0, 1)
    torch.testing.assert_close(codes.mean(0), torch.zeros(6), atol=1e-4, rtol=0)
    torch.testing.assert_close(codes.std(0), torch.ones(6), atol=0.02, rtol=0)
