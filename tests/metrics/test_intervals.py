import math

import pytest
import torch
from torch import Tensor

from talkface.metrics.intervals import bootstrap_margin


def mean(sums: Tensor) -> Tensor:
    return sums[0] / sums[1]


def sums_of(values: Tensor) -> Tensor:
    return torch.stack([values, torch.ones_like(values)], dim=1)


def test_the_margin_of_a_mean_is_that_of_its_standard_error() -> None:
    values = torch.randn(400, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = 1.96 * float(values.std()) / math.sqrt(400)
    assert bootstrap_margin(sums_of(values), mean) == pytest.approx(expected, rel=0.08)


def test_equal_clips_leave_no_doubt_and_one_clip_says_nothing() -> None:
    assert bootstrap_margin(sums_of(torch.full((5,), 2.0)), mean) == 0
    assert math.isnan(bootstrap_margin(sums_of(torch.ones(1)), mean))


def test_the_same_seed_gives_the_same_interval() -> None:
    values = sums_of(torch.arange(9.0))
    assert bootstrap_margin(values, mean) == bootstrap_margin(values, mean)
    assert bootstrap_margin(values, mean) != bootstrap_margin(values, mean, seed=1)


def test_what_is_not_defined_has_no_interval() -> None:
    assert math.isnan(bootstrap_margin(torch.zeros(4, 2), mean))
