import math

import pytest
import torch
from torch import nn

from talkface.optim import LazyAdam, anneal


@pytest.mark.parametrize(
    ("every", "c"), [(None, 1.0), (1, 1 / 2), (4, 4 / 5), (16, 16 / 17)], ids=str
)
def test_adam_is_corrected_for_the_extra_steps_of_a_lazy_regularizer(
    every: int | None, c: float
) -> None:
    adam = LazyAdam(lr=2e-3, beta1=0.25, beta2=0.9).build([nn.Parameter(torch.zeros(1))], every)
    (group,) = adam.param_groups
    assert group["lr"] == pytest.approx(2e-3 * c)
    assert group["betas"] == pytest.approx((0.25**c, 0.9**c))


def test_without_momentum_there_is_none_after_the_correction() -> None:
    adam = LazyAdam(beta1=0.0).build([nn.Parameter(torch.zeros(1))], 16)
    assert adam.param_groups[0]["betas"][0] == 0


def test_every_and_one_steps_move_as_far_as_every_steps_of_plain_adam() -> None:
    ends = []
    for every, steps in ((None, 16), (16, 17)):
        weight = nn.Parameter(torch.zeros(1))
        adam = LazyAdam(lr=1e-2).build([weight], every)
        for _ in range(steps):
            weight.grad = torch.ones(1)
            adam.step()
        ends.append(weight.item())
    assert ends == pytest.approx([-0.16, -0.16], rel=1e-5)


@pytest.mark.parametrize(
    ("step", "share"),
    [(0, 1.0), (5, 0.1 + 0.9 * (1 + math.sqrt(0.5)) / 2), (10, 0.55), (20, 0.1), (25, 0.1)],
)
def test_the_rate_falls_by_half_a_cosine_and_stays_at_the_floor(step: int, share: float) -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=3.0)
    scheduler = anneal(optimizer, 20, floor=0.1)
    for _ in range(step):
        optimizer.step()
        scheduler.step()
    assert scheduler.get_last_lr() == pytest.approx([3.0 * share])


def test_without_a_number_of_steps_the_rate_stays() -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=3.0)
    scheduler = anneal(optimizer, None)
    for _ in range(50):
        optimizer.step()
        scheduler.step()
    assert scheduler.get_last_lr() == [3.0]
