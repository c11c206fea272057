import pytest
import torch
from torch import Tensor

from talkface.metrics import mean


class Mean(mean.Mean):
    def update(self, values: Tensor) -> None:
        self.add(values, values.isfinite())


def test_every_value_weighs_the_same_in_whatever_batch_it_comes() -> None:
    metric = Mean()
    metric.update(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    metric.update(torch.tensor([10.0]))
    assert metric.compute() == 4


def test_values_that_are_left_out_are_counted() -> None:
    metric = Mean()
    metric.update(torch.tensor([1.0, torch.nan, 3.0, torch.inf]))
    assert metric.compute() == 2
    assert metric.count == 2
    assert metric.left_out == 2


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_nothing_else_is_left_out() -> None:
    metric = Mean()
    metric.add(torch.tensor([1.0, torch.nan]))
    assert metric.compute().isnan()


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_the_mean_of_nothing_is_no_number() -> None:
    assert Mean().compute().isnan()


def test_many_small_values_add_up() -> None:
    metric = Mean()
    metric.update(torch.tensor([1e7]))
    for _ in range(100):
        metric.update(torch.full((1000,), 0.1))
    assert metric.total.item() == pytest.approx(1e7 + 1e4, abs=1e-2)
