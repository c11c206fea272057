"""Costs that are known on paper."""

import pytest
import torch
from torch import Tensor, nn

from talkface.diagrams.cost import Blueprint, Cost, Part, Row, UncountedError, measure

SIDE = 10


class Small(nn.Module):
    """A convolution, once per portrait, and a matrix product per frame; and a parameter beside."""

    def __init__(self) -> None:
        super().__init__()
        self.once = nn.Conv2d(3, 8, 5, stride=2, padding=2)
        self.often = nn.Sequential(nn.Linear(8, 4), nn.ReLU())
        self.gain = nn.Parameter(torch.ones(7))

    def plan(self, image: Tensor) -> Tensor:
        planned: Tensor = self.once(image)
        return planned.mean((2, 3))

    def forward(self, planned: Tensor) -> Tensor:
        code: Tensor = self.often(planned)
        return code @ torch.ones(4, 2)


def small(*, rest: bool = True) -> tuple[Blueprint, Part, Part, Part]:
    with torch.device("meta"):
        network = Small().requires_grad_(requires_grad=False)
        image = torch.zeros(1, 3, SIDE, SIDE)
    once, often = Part("once", (network.once,)), Part("often", (network.often,))
    last = Part("last", shape=(2,), rest=rest)
    rows = (Row((often,), once), Row((last,)))
    plan = Blueprint("Small", network, "image", "frame", rows, network, lambda: network.plan(image))
    return plan, once, often, last


CONVOLUTION = 2 * 8 * (SIDE // 2) ** 2 * 3 * 5**2
"""Two operations for every output, input channel and place of the kernel."""


def test_operations_parameters_and_shapes_of_parts_are_those_known_on_paper() -> None:
    plan, once, often, last = small()
    costs = measure(plan).costs
    assert costs[once] == Cost(8 * 3 * 5**2 + 8, CONVOLUTION, (8, SIDE // 2, SIDE // 2))
    assert costs[often] == Cost(8 * 4 + 4, 2 * 8 * 4, (4,))
    assert costs[last] == Cost(7, 2 * 4 * 2, (2,))


def test_what_is_done_once_per_portrait_is_counted_apart() -> None:
    measured = measure(small()[0])
    assert measured.once == CONVOLUTION
    assert measured.flops == 2 * 8 * 4 + 2 * 4 * 2
    assert measured.parameters == 608 + 36 + 7


def test_a_network_is_counted_alike_twice() -> None:
    plan = small()[0]
    assert measure(plan) == measure(plan)


def test_parts_that_are_not_the_whole_network_are_refused() -> None:
    with pytest.raises(UncountedError, match="leave out 7 parameters and 16 FLOP"):
        measure(small(rest=False)[0])


class Level(nn.Module):
    """Has a layer that it does not call itself."""

    def __init__(self) -> None:
        super().__init__()
        self.splice = nn.Linear(3, 4, bias=False)
        self.layer = nn.Linear(4, 5, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x)
        return y


def test_what_serves_the_portrait_inside_a_part_is_not_counted_for_the_part() -> None:
    with torch.device("meta"):
        level = Level().requires_grad_(requires_grad=False)
        x = torch.zeros(1, 3)
    splice, whole = Part("splice", (level.splice,)), Part("level", (level,))
    rows = (Row((whole,), splice),)
    plan = Blueprint("Level", level, "x", "frame", rows, level, lambda: level.splice(x))
    measured = measure(plan)
    assert measured.costs[splice] == Cost(12, 24, (4,))
    assert measured.costs[whole] == Cost(20, 40, (5,))
    assert (measured.parameters, measured.flops, measured.once) == (32, 40, 24)
