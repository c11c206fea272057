"""How sure a figure is that pools clips: by the bootstrap over clips."""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

DRAWS = 1000
FEWEST = 2


def bootstrap_margin(
    sums: Float[Tensor, "clips k"],
    statistic: Callable[[Float[Tensor, "k draws"]], Float[Tensor, " draws"]],
    seed: int = 0,
) -> float:
    """Half the width of a 95 % percentile interval of a statistic of sums over clips.

    Clips are drawn with replacement, as many as there are (Efron and Tibshirani 1993, 13.3). NaN
    with fewer than two clips or where the statistic is not defined.

    Args:
        sums: What every clip adds to each of the ``k`` sums.
        statistic: The figure, from sums over clips.
        seed: Start of the draws; equal clips give an equal interval.
    """
    if len(sums) < FEWEST:
        return math.nan
    rng = torch.Generator().manual_seed(seed)
    drawn = [
        sums[torch.randint(len(sums), (len(sums),), generator=rng)].sum(0) for _ in range(DRAWS)
    ]
    values = statistic(torch.stack(drawn, dim=1))
    low, high = values.quantile(values.new_tensor([0.025, 0.975])).tolist()
    return float(high - low) / 2
