"""What the parts of a network cost: parameters, operations, and the shape of what comes out."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

Shape = tuple[int, ...]


class UncountedError(ValueError):
    """The parts of a network are not all of it."""

    def __init__(self, title: str, parameters: int, flops: int) -> None:
        super().__init__(
            f"The parts of {title} leave out {parameters:,} parameters and {flops:,} FLOP. Name "
            "the missing part in talkface/diagrams/blueprints.py."
        )


@dataclass(frozen=True, eq=False)
class Part:
    """One box of a figure.

    Attributes:
        name: What stands in it.
        modules: What it consists of; the last one gives its output.
        shape: Shape of its output without the batch, where no module gives it.
        rest: Whether everything belongs to it that no other part has.
    """

    name: str
    modules: tuple[nn.Module, ...] = ()
    shape: Shape = ()
    rest: bool = False


@dataclass(frozen=True, eq=False)
class Row:
    """Parts side by side.

    Attributes:
        parts: What is computed every time.
        portrait: What is computed once per portrait and enters here.
    """

    parts: tuple[Part, ...]
    portrait: Part | None = None


@dataclass(frozen=True, eq=False)
class Blueprint:
    """A network, divided into parts.

    Attributes:
        title: Its name.
        network: The network, on the meta device.
        source: What goes in.
        unit: What one run is for, such as "frame".
        rows: Its parts in the order of data flow.
        run: Run it once, given what ``prepare`` returned.
        prepare: What is done once per portrait.
    """

    title: str
    network: nn.Module
    source: str
    unit: str
    rows: tuple[Row, ...]
    run: Callable[[Any], object]
    prepare: Callable[[], object] = lambda: None

    def parts(self) -> Iterator[Part]:
        """All parts, what is computed once per portrait first."""
        yield from (row.portrait for row in self.rows if row.portrait)
        yield from (part for row in self.rows for part in row.parts)


class Cost(NamedTuple):
    """What one part costs.

    Attributes:
        parameters: Learned numbers.
        flops: Additions and multiplications of convolutions and matrix products.
        shape: Shape of its output without the batch.
    """

    parameters: int
    flops: int
    shape: Shape


class Measured(NamedTuple):
    """What a network costs.

    Attributes:
        parameters: Learned numbers.
        flops: Operations per run.
        once: Operations per portrait.
        costs: The same by part.
    """

    parameters: int
    flops: int
    once: int
    costs: dict[Part, Cost]


def measure(blueprint: Blueprint) -> Measured:
    """Run a network once and count.

    A multiplication and an addition are two operations. As ``FlopCounterMode`` does, only
    convolutions and matrix products are counted: normalisation, activation and interpolation are
    not. A parameter that several parts hold belongs to the first of them.

    Raises:
        UncountedError: If there is something that no part has.
    """
    watch = _Watch()
    with watch.over(blueprint), watch.counter, torch.device("meta"):
        ready = blueprint.prepare()
        once = watch.counter.get_total_flops()
        blueprint.run(ready)
        total = watch.counter.get_total_flops()
    parameters = sum(p.numel() for p in blueprint.network.parameters())
    costs = _costs(blueprint, watch)
    left = (
        parameters - sum(cost.parameters for cost in costs.values()),
        total - sum(cost.flops for cost in costs.values()),
    )
    takers = [part for part in costs if part.rest]
    if any(left) and not takers:
        raise UncountedError(blueprint.title, *left)
    for part in takers:
        costs[part] = Cost(*left, part.shape)
    return Measured(parameters, total - once, once, costs)


def _costs(blueprint: Blueprint, watch: "_Watch") -> dict[Part, Cost]:
    """Costs of all parts, as far as their modules have them."""
    costs, claimed = {}, set[nn.Parameter]()
    for part in blueprint.parts():
        own = {p for module in part.modules for p in module.parameters()} - claimed
        claimed |= own
        flops = sum(watch.flops[module] for module in part.modules)
        shape = part.shape or watch.shapes[part.modules[-1]]
        costs[part] = Cost(sum(p.numel() for p in own), flops, shape)
    return costs


class _Watch:
    """Notes what every module of a blueprint costs while it runs."""

    def __init__(self) -> None:
        self.counter = FlopCounterMode(display=False)
        self.flops: dict[nn.Module, int] = {}
        self.shapes: dict[nn.Module, Shape] = {}

    @contextmanager
    def over(self, blueprint: Blueprint) -> Iterator[None]:
        """Watch until the block ends."""
        modules = [module for part in blueprint.parts() for module in part.modules]
        with ExitStack() as hooks:
            for module in modules:
                hooks.enter_context(module.register_forward_pre_hook(self._start))
                hooks.enter_context(module.register_forward_hook(self._stop))
            yield

    def _start(self, module: nn.Module, _inputs: object) -> None:
        self.flops[module] = self.flops.get(module, 0) - self.counter.get_total_flops()

    def _stop(
        self, module: nn.Module, _inputs: object, output: Tensor | tuple[Tensor, ...]
    ) -> None:
        self.flops[module] += self.counter.get_total_flops()
        first = output if isinstance(output, Tensor) else output[0]
        self.shapes[module] = tuple(first.shape[1:])
