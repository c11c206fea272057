"""Pictures of many puppets at once."""

import math

import numpy as np
from numpy.typing import NDArray

from data_prep.puppets.expression import Expression
from data_prep.puppets.people import draw_identity
from data_prep.puppets.puppet import Puppet

_MOUTHS = (
    Expression(),
    Expression(opening=0.22, jaw=0.7, teeth=0.4, width=1.02),
    Expression(opening=0.08, width=1.14, teeth=0.7, jaw=0.2, brow=0.4),
    Expression(opening=0.10, width=0.66, rounding=0.9, jaw=0.3),
)


def contact_sheet(seed: int, n: int, side: int) -> NDArray[np.uint8]:
    """A grid of ``n`` people, (rows * side, columns * side, 3) RGB, six to a row.

    Args:
        seed: Seed of the first person; the others follow.
        n: How many.
        side: Side of each picture in pixels, a multiple of 32.

    Raises:
        ValueError: ``n`` is below 1, or the side is not possible.
    """
    if n < 1:
        msg = f"A contact sheet shows at least one person, found n={n}."
        raise ValueError(msg)
    columns = min(n, 6)
    sheet = np.zeros((math.ceil(n / columns) * side, columns * side, 3), np.uint8)
    for i in range(n):
        rng = np.random.default_rng([seed + i, 0x5EE])
        mouth = _MOUTHS[i % len(_MOUTHS)]
        turned = Expression(
            **{**vars(mouth), "yaw": rng.normal(0, 0.1), "roll": rng.normal(0, 0.03)}
        )
        row, column = divmod(i, columns)
        part = slice(row * side, (row + 1) * side), slice(column * side, (column + 1) * side)
        sheet[part] = Puppet(draw_identity(seed + i), side).render(turned)
    return sheet
