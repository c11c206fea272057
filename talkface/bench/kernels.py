"""Native operations beside those of pure PyTorch, where there are native ones."""

from collections.abc import Iterator, Sequence

import torch

from talkface.ops.backend import is_chosen
from talkface.ops.speed import measure, tasks

FRAMES = 4
REPEATS = 5


def milliseconds(sides: Sequence[int]) -> Iterator[tuple[str, float, float]]:
    """Of each operation its name, and what it takes natively and in pure PyTorch.

    Forward and backward, channels last, as in training; nothing if operations are not native.

    Args:
        sides: Of the pictures.
    """
    if not is_chosen("cpu"):
        return
    for side in sides:
        for task in tasks(side, FRAMES, torch.float32, "cpu"):
            x = torch.randn(task.shape).to(memory_format=torch.channels_last)
            _, (native, reference) = measure(task, x, REPEATS)
            yield f"{task.name}, {side} px", 1000 * native, 1000 * reference
