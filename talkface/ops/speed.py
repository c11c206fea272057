"""How much quicker the native operations are than those of pure PyTorch, on this machine."""

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from talkface.ops import native
from talkface.ops.backend import SETTING, is_chosen
from talkface.ops.bias_act import bias_act_reference
from talkface.ops.conv import conv3x3_reference
from talkface.ops.errors import NativeOpsError
from talkface.ops.upfirdn import fir_kernel, upfirdn2d_reference

logger = logging.getLogger(__name__)

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
LAYOUTS = {"contiguous": torch.contiguous_format, "channels-last": torch.channels_last}
COLUMNS = "{:<11} {:>16} {:<13} {:>7} {:>10} {:>8} {:>10} {:>8}"
HEAD = ("operation", "shape", "layout", "threads", "forward", "ratio", "both ways", "ratio")
PAINTED = 5
"""Channels of a picture: colours, and how the portrait moves."""


@dataclass(frozen=True)
class Task:
    """An operation as a network calls it, done by either way."""

    name: str
    shape: tuple[int, ...]
    native: Callable[[Tensor], Tensor]
    reference: Callable[[Tensor], Tensor]
    learned: tuple[Tensor, ...] = ()


def tasks(side: int, frames: int, dtype: torch.dtype, device: str) -> Iterator[Task]:
    """What the generator asks for at a resolution: filter, doubling, activation, convolution.

    Args:
        side: Side of the level.
        frames: Pictures at once.
        dtype: Of the features.
        device: Where they are.
    """
    channels = min(256, 4096 // side)
    fir = fir_kernel(gain=4.0).to(device)
    bias = torch.randn(channels, device=device).to(dtype).requires_grad_()
    for name, shape, up, pad in (
        ("filter", (frames, channels, side + 1, side + 1), 1, (1, 1)),
        ("double", (frames, PAINTED, side // 2, side // 2), 2, (2, 1)),
    ):
        yield Task(
            name,
            shape,
            partial(native.upfirdn2d, kernel=fir, up=up, down=1, pad=pad),
            partial(upfirdn2d_reference, kernel=fir, up=up, down=1, pad=pad),
        )
    yield Task(
        "activation",
        (frames, channels, side, side),
        lambda x: native.bias_act(x, bias, 0.2),
        lambda x: bias_act_reference(x, bias, 0.2),
        (bias,),
    )
    if device != "cpu" or dtype != torch.float32:
        return
    weight = torch.randn(channels, channels, 3, 3).requires_grad_()
    yield Task(
        "convolution",
        (frames, channels, side, side),
        partial(native.conv3x3, weight=weight),
        partial(conv3x3_reference, weight=weight),
        (weight,),
    )


def measure(task: Task, x: Tensor, repeats: int) -> list[tuple[float, float]]:
    """Seconds that native operation and reference take, forward and both ways: best of several.

    The two are run in turn, so that what else the machine does slows both.
    """
    leaf = x.clone(memory_format=torch.preserve_format).requires_grad_()
    grad = torch.ones_like(task.native(x))
    best: dict[tuple[object, object], float] = {}

    def forward(run: Callable[[Tensor], Tensor]) -> None:
        with torch.no_grad():
            run(x)

    def both(run: Callable[[Tensor], Tensor]) -> None:
        torch.autograd.grad(run(leaf), (leaf, *task.learned), grad)

    for _ in range(repeats + 1):
        for step in (forward, both):
            for run in (task.native, task.reference):
                seconds = _seconds(partial(step, run), x.device)
                best[step, run] = min(seconds, best.get((step, run), seconds))
    ways = (task.native, task.reference)
    return [(best[step, ways[0]], best[step, ways[1]]) for step in (forward, both)]


def _seconds(call: Callable[[], object], device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        The exit status: 0, or 1 if there are no native operations.
    """
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stdout)
    top = argparse.ArgumentParser("python -m talkface.ops.speed", description=__doc__)
    top.add_argument("--device", default="cpu", help="cpu or cuda")
    top.add_argument("--sides", type=int, nargs="+", default=[64, 128, 256])
    top.add_argument("--frames", type=int, default=4, help="pictures at once")
    top.add_argument("--dtype", choices=DTYPES, default="float32")
    top.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    top.add_argument("--repeats", type=int, default=5)
    options = top.parse_args(arguments)
    try:
        os.environ[SETTING] = "native"
        is_chosen(options.device)
    except NativeOpsError as error:
        logger.error("%s", error)  # noqa: TRY400 - the message says it all
        return 1
    logger.info("Milliseconds of native operations, and how many times as long the reference takes")
    logger.info(COLUMNS.format(*HEAD))
    dtype, before = DTYPES[options.dtype], torch.get_num_threads()
    for threads in options.threads:
        torch.set_num_threads(threads)
        for side in options.sides:
            for task in tasks(side, options.frames, dtype, options.device):
                for name, layout in LAYOUTS.items():
                    x = torch.randn(task.shape, device=options.device).to(dtype)
                    times = measure(task, x.to(memory_format=layout), options.repeats)
                    _tell(task, name, threads, times)
    torch.set_num_threads(before)
    return 0


def _tell(task: Task, layout: str, threads: int, times: Sequence[tuple[float, float]]) -> None:
    shape = "x".join(map(str, task.shape))
    pairs = ((f"{mine * 1e3:.2f}", f"{theirs / mine:.1f}") for mine, theirs in times)
    cells = [cell for pair in pairs for cell in pair]
    logger.info(COLUMNS.format(task.name, shape, layout, threads, *cells))


if __name__ == "__main__":
    sys.exit(main())
