"""Rows of a stream, replayed forwards and backwards for as long as somebody asks."""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from talkface.render.errors import RenderError


def bounce(index: Tensor, length: int) -> Tensor:
    """Positions of a ping-pong walk over ``length`` rows: 0 1 2 1 0 1 … for three rows.

    Args:
        index: Steps of the walk, 0 and up.
        length: Rows there are, 1 and up.
    """
    if length == 1:
        return torch.zeros_like(index)
    position = index % (2 * length - 2)
    return torch.minimum(position, 2 * length - 2 - position)


class Replay:
    """Take rows in order; past the end of the stream, walk back and forth over what was seen.

    Playing backwards instead of jumping to the start leaves no visible seam. Rows are pulled only
    when they are needed; what is kept is narrow codes, about 0.3 KB per frame, never pictures.

    Args:
        chunks: The stream, in runs of one row or more.
    """

    def __init__(self, chunks: Iterator[Float[Tensor, "_ e"]]) -> None:
        self.chunks = chunks
        self.rows: list[Tensor] = []
        self.taken = 0

    def take(self, count: int) -> Float[Tensor, "count e"]:
        """The next ``count`` rows.

        Raises:
            RenderError: The stream has no row at all.
        """
        needed = self.taken + count
        while len(self.rows) < needed:
            chunk = next(self.chunks, None)
            if chunk is None:
                break
            self.rows.extend(chunk.unbind(0))
        if not self.rows:
            raise RenderError("The driving video has no frame. Give a video of a face.")
        walk = bounce(torch.arange(self.taken, needed), len(self.rows))
        self.taken = needed
        return torch.stack([self.rows[i] for i in walk.tolist()])
