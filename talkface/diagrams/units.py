"""Large numbers and shapes as text."""

import math


def parameters(count: int) -> str:
    """A number of parameters with three figures, such as 1.23 M or 66.0 k."""
    return _scaled(count, ((1e6, " M"), (1e3, " k")), "")


def operations(flops: int) -> str:
    """A number of operations with three figures, such as 1.23 GFLOP."""
    return _scaled(flops, ((1e9, " GFLOP"), (1e6, " MFLOP"), (1e3, " kFLOP")), " FLOP")


def shape(sizes: tuple[int, ...]) -> str:
    """Sizes of the axes, such as 64 × 16 × 16."""
    return " × ".join(map(str, sizes))


def _scaled(count: int, units: tuple[tuple[float, str], ...], small: str) -> str:
    for size, unit in units:
        if count >= size:
            return f"{count / size:.{max(0, 2 - int(math.log10(count / size)))}f}{unit}"
    return f"{count}{small}"
