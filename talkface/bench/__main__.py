"""How fast this machine trains and renders: ``python -m talkface.bench --data.root ROOT``.

Options that are not its own go to ``talkface fit``. Figures of different machines, and of a machine
that does other things, do not compare; ratios inside one run do.
"""

import argparse
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from talkface.bench.generators import SIZES, frames_per_second
from talkface.bench.kernels import milliseconds
from talkface.bench.loaders import windows_per_second
from talkface.bench.report import Figure, Report
from talkface.bench.step import Steps, measure_steps
from talkface.cli.configs import resolve_configs

SIDES = (64, 128, 256)

logger = logging.getLogger("talkface.bench")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, show, compare with the last time, save.

    Returns:
        The exit status.
    """
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    parser = argparse.ArgumentParser("python -m talkface.bench", description=__doc__)
    add = parser.add_argument
    add("--config", default="demo.yaml", help="what is trained")
    add("--steps", type=int, default=10, help="training steps that count")
    add("--output", type=Path, default=Path("runs/bench.json"), help="where figures are kept")
    options, rest = parser.parse_known_args(arguments)
    config = resolve_configs(["--config", options.config])
    report = Report(options.config)
    with tempfile.TemporaryDirectory() as folder:
        steps = measure_steps([*config, *rest], Path(folder), options.steps)
    report.figures += [*_of_steps(steps), *_of_loader(options.config, rest, steps)]
    for size in SIZES:
        ours, plain = frames_per_second(size)
        name = f"{size.side} px, base {size.base}, at most {size.limit}"
        report.figures.append(Figure("generator", name, ours, "frames/s", ours / plain))
    for name, native, reference in milliseconds(SIDES):
        report.figures.append(Figure("kernels", name, native, "ms", reference / native))
    report.show(options.output)
    report.save(options.output)
    return 0


def _of_steps(steps: Steps) -> list[Figure]:
    figures = [
        Figure("step", part, 1000 * seconds, "ms", seconds / steps.whole)
        for part, seconds in steps.parts.items()
    ]
    waited = Figure(
        "step", "wait for a batch", 1000 * steps.waited, "ms", steps.waited / steps.whole
    )
    memory = [Figure("step", name, value, "MB") for name, value in steps.memory.items()]
    return [*figures, waited, *memory]


def _of_loader(config: str, arguments: Sequence[str], steps: Steps) -> list[Figure]:
    step = Figure("loader", "windows that steps eat", steps.windows, "windows/s", 1.0)
    rates = windows_per_second(config, arguments)
    return [
        step,
        *(Figure("loader", name, rate, "windows/s", rate / steps.windows) for name, rate in rates),
    ]


if __name__ == "__main__":
    sys.exit(main())
