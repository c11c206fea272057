"""Random numbers of training that depend on (seed, step) alone, so that a resumed run draws them.

States of generators would have to be kept for every process, and would fit no other number of
processes. Here each step begins anew instead.
"""

import random
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning import Callback

BITS = 64
TRAINING, EVALUATION = 0, 1


def seed_of(*numbers: int) -> int:
    """A seed of 64 bits from numbers from 0; other numbers, other seeds."""
    low, high = np.random.SeedSequence(numbers).generate_state(2)
    return int(high) << BITS // 2 | int(low)


def generator(*numbers: int) -> torch.Generator:
    """A generator on the CPU that starts from ``seed_of`` these numbers."""
    return torch.Generator().manual_seed(seed_of(*numbers))


def reseed(*numbers: int) -> None:
    """Let torch on every device, numpy and Python draw from ``seed_of`` these numbers on."""
    seed = seed_of(*numbers)
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  what others draw from


class Draws(Callback):
    """Begin every training step, and every validation, with random numbers of its own.

    All processes draw the same: what differs by sample is drawn for the samples of all of them
    (``ranks.rows``). The seed is that of the first part of a run; it is kept in checkpoints.
    """

    def __init__(self) -> None:
        self.seed: int | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Agree on a seed, unless a run goes on."""
        if self.seed is None:
            self.seed = int(trainer.strategy.broadcast(torch.initial_seed() % 2**BITS))

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Numbers of this step."""
        self._begin(trainer, TRAINING)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Numbers of the validation after this step."""
        self._begin(trainer, EVALUATION)

    def _begin(self, trainer: pl.Trainer, kind: int) -> None:
        if self.seed is not None:
            reseed(self.seed, kind, trainer.fit_loop.epoch_loop.batch_progress.total.ready)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"seed": self.seed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with the seed of a checkpoint."""
        self.seed = state_dict["seed"]
