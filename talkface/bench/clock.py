"""Times of what is done, the quickest of several tries: what other programs cost is left out."""

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

REPEATS = 5


def now() -> float:
    """Seconds, once everything that was asked of a GPU is done."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def quickest(*works: Callable[[], object], repeats: int = REPEATS) -> list[float]:
    """Seconds of the quickest of several tries of each work, in turn, after one to warm up."""
    for work in works:
        work()
    best = [float("inf")] * len(works)
    for _ in range(repeats):
        for place, work in enumerate(works):
            began = now()
            work()
            best[place] = min(best[place], now() - began)
    return best


def peak_memory() -> dict[str, float]:
    """Most memory of this process so far, in MB: of the machine and, if there is one, the GPU."""
    unit = 1 if sys.platform == "darwin" else 1024
    used = {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20}
    if torch.cuda.is_available():
        used["memory of the GPU"] = torch.cuda.max_memory_allocated() / 2**20
    return used


@dataclass
class Stopwatch:
    """Seconds by name. What is timed inside of another thing does not count for that.

    Attributes:
        seconds: Time of each name.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    _inner: list[float] = field(default_factory=list)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time a block."""
        self._inner.append(0.0)
        began = now()
        try:
            yield
        finally:
            whole = now() - began
            own = whole - self._inner.pop()
            self.seconds[name] = self.seconds.get(name, 0.0) + own
            if self._inner:
                self._inner[-1] += whole

    def watch(self, owner: object, method: str, name: Callable[[], str]) -> None:
        """Time every call of a method, under what ``name`` says at that moment."""
        inner = getattr(owner, method)

        def timed(*args: Any, **kwargs: Any) -> Any:
            with self(name()):
                return inner(*args, **kwargs)

        object.__setattr__(owner, method, timed)
