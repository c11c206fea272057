"""Compares CPBD with the package ``cpbd`` 1.0.7 on PNG files.

The package is neither shipped nor needed otherwise. It does not import with a current SciPy, which
has no ``imread`` any more, and does not use it when given an array: an empty one is put there.
"""

import argparse
import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from talkface.metrics.cpbd import cpbd

TIMED_SIDE = 256


def reference() -> Callable[[np.ndarray], float]:
    """The function that the package offers."""
    vars(importlib.import_module("scipy.ndimage"))["imread"] = None
    compute: Callable[[np.ndarray], float] = importlib.import_module("cpbd").compute
    return compute


def picture(path: Path) -> Tensor:
    """RGB in [0, 1], 1 3 h w."""
    with Image.open(path) as image:
        return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)[None] / 255


def grey(path: Path) -> np.ndarray:
    """Grey levels as the package reads them from a file."""
    with Image.open(path) as image:
        return np.array(image.convert("L"))


def compared(paths: list[Path], compute: Callable[[np.ndarray], float]) -> list[str]:
    """A line per picture, and one about all."""
    ours = [float(cpbd(picture(path))) for path in paths]
    theirs = [float(compute(grey(path))) for path in paths]
    lines = [
        f"{p.name}: {a:.6f}, reference {b:.6f}" for p, a, b in zip(paths, ours, theirs, strict=True)
    ]
    apart = max(abs(a - b) for a, b in zip(ours, theirs, strict=True))
    return [*lines, f"{len(paths)} pictures, largest difference {apart:.2e}"]


def timed(paths: list[Path], compute: Callable[[np.ndarray], float]) -> str:
    """Time per picture of either, pictures already read, ours in one batch, best of three runs."""
    batch, greys = torch.cat([picture(path) for path in paths]), [grey(path) for path in paths]
    ours = best(lambda: cpbd(batch)) / len(paths)
    theirs = best(lambda: [compute(image) for image in greys]) / len(paths)
    return (
        f"{len(paths)} pictures of {TIMED_SIDE} x {TIMED_SIDE}, {torch.get_num_threads()} threads: "
        f"{1e3 * ours:.2f} ms, reference {1e3 * theirs:.1f} ms, {theirs / ours:.1f} times as fast"
    )


def best(function: Callable[[], object]) -> float:
    """Seconds that the fastest of three runs took."""
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def main() -> None:
    """Compare on every picture, and time those of 256 x 256."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    paths = sorted(parser.parse_args().folder.rglob("*.png"))
    compute = reference()
    lines = compared(paths, compute)
    square = [path for path in paths if picture(path).shape[-2:] == (TIMED_SIDE, TIMED_SIDE)]
    if square:
        lines.append(timed(square, compute))
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
