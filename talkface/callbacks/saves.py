"""When a training is saved, and what it does when it is told to end."""

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint
from torch import distributed

SECONDS = 60.0
PATIENCE = 30.0
"""Seconds that a signal waits for the end of a validation."""

DUE, STOP, REQUEUE = range(3)

log = logging.getLogger(__name__)


class TrainingStoppedError(Exception):
    """A training was told to end, and has been saved.

    Attributes:
        path: The checkpoint.
    """

    def __init__(self, why: str, path: Path, batches: int) -> None:
        saved = f", saved as {path}" if path.is_file() else ""
        super().__init__(f"ended by {why} after {batches} batches{saved}")
        self.path = path


class NotSavedError(OSError):
    """The last checkpoint of a training could not be written."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"The trained weights were not written to {path} ({reason}). Make room there and go on "
            "with `--ckpt_path last`: what follows the checkpoint before is trained again."
        )


class Saves(Checkpoint):
    """Save a training after every epoch and every few minutes or batches within it.

    SIGTERM, and SIGUSR1 in a SLURM job, save after the batch at hand and end the training; SIGUSR1
    has the job queued again. A validation that took longer than ``PATIENCE`` the last time, or has
    not been seen yet, gets a checkpoint one batch before it: a signal then ends it at its next
    batch. A signal waits ``PATIENCE`` for a shorter one. The check before the training ends at
    once.

    Args:
        path: The checkpoint, which is replaced by every newer one.
        minutes: Minutes from one to the next within an epoch; None for none by time.
        batches: Training steps from one to the next within an epoch; None for none by number.
        failure: Why the latest one was not written, if it was not.
    """

    def __init__(
        self,
        path: Path,
        minutes: float | None = None,
        batches: int | None = None,
        failure: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.path, self.minutes, self.batches, self.failure = path, minutes, batches, failure
        self._told: set[int] = set()
        self._saved = time.monotonic()
        self._asked = [False] * 3
        self._held: dict[str, Any] | None = None
        self._begun = self._heard = 0.0
        self._took: float | None = None
        self._batches = 0

    def on_sanity_check_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Listen to signals from here on."""
        self._listen()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Listen to signals in place of Lightning, which would save in the middle of a step."""
        self._saved = time.monotonic()
        self._batches = trainer.fit_loop.epoch_loop.batch_progress.total.completed
        self._listen()

    def _listen(self) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._note)
            if "SLURM_JOB_ID" in os.environ:
                signal.signal(signal.SIGUSR1, self._note)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Save if it is time, or if a process was told to end."""
        done = trainer.fit_loop.epoch_loop.total_batch_idx + 1
        # A validation that follows is part of the step: it would be left out after a resume.
        every = trainer.val_check_batch or float("inf")
        validates = trainer.enable_validation and (batch_idx + 1) % every == 0
        soon = trainer.enable_validation and (batch_idx + 2) % every == 0
        self._asked = self._agreed(trainer, pl_module.device, done, soon=soon)
        if any(self._asked) and not trainer.is_last_batch and not validates:
            self._held = trainer._checkpoint_connector.dump_checkpoint(weights_only=False)

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Write what was put together after the batch before, whose row loggers have only now."""
        if (held := self._held) is not None:
            self._held = None
            self._save(trainer, held)
            self._stop(trainer)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Look at the clock."""
        self._begun = time.monotonic()

    def on_validation_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """End what was told to end, if that would take too long otherwise.

        Raises:
            TrainingStoppedError: From every process that was told by itself.
        """
        if not self._told or trainer.state.fn != "fit":
            return
        if trainer.sanity_checking or self._long() or time.monotonic() - self._heard > PATIENCE:
            self._end(trainer, requeued=signal.SIGUSR1 in self._told)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Remember how long it took."""
        if not trainer.sanity_checking:
            self._took = time.monotonic() - self._begun

    def _long(self) -> bool:
        """Whether a validation takes longer than a signal may wait, as far as is known."""
        return self._took is None or self._took > PATIENCE

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save, with or without a validation before, and end what was told to end in it."""
        done = trainer.fit_loop.epoch_loop.total_batch_idx + 1
        self._asked = self._agreed(trainer, pl_module.device, done, soon=False)
        self._save(trainer, trainer._checkpoint_connector.dump_checkpoint(weights_only=False))
        self._stop(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Tell it if what was learned last is not on the disk.

        Raises:
            NotSavedError: If it is not.
        """
        if trainer.is_global_zero and (reason := self.failure()):
            raise NotSavedError(self.path, reason)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._told.add(number)
        self._heard = self._heard or time.monotonic()

    def _agreed(
        self, trainer: pl.Trainer, device: torch.device, done: int, *, soon: bool
    ) -> list[bool]:
        """What all processes do now: the first decides on the time, any may have been told."""
        late = self.minutes is not None and time.monotonic() - self._saved > SECONDS * self.minutes
        by_number = self.batches is not None and done % self.batches == 0
        asked = [
            by_number or ((late or (soon and self._long())) and trainer.is_global_zero),
            signal.SIGTERM in self._told,
            signal.SIGUSR1 in self._told,
        ]
        asked = [now or before for now, before in zip(asked, self._asked, strict=True)]
        if trainer.world_size == 1:
            return asked
        flags = torch.tensor(asked, dtype=torch.int32, device=device)
        distributed.all_reduce(flags, distributed.ReduceOp.MAX)
        return [bool(flag) for flag in flags.tolist()]

    def _save(self, trainer: pl.Trainer, checkpoint: dict[str, Any]) -> None:
        """Save, after all rows that loggers still hold: those up to here belong to it."""
        for logger in trainer.loggers:
            logger.save()
        trainer.strategy.save_checkpoint(checkpoint, self.path)
        trainer.strategy.barrier("Saves")
        self._saved, self._asked[DUE] = time.monotonic(), False
        self._batches = trainer.fit_loop.epoch_loop.batch_progress.total.completed

    def _stop(self, trainer: pl.Trainer) -> None:
        if not (self._asked[STOP] or self._asked[REQUEUE]):
            return
        self._end(trainer, requeued=self._asked[REQUEUE])

    def _end(self, trainer: pl.Trainer, *, requeued: bool) -> None:
        if requeued and trainer.is_global_zero:
            requeue()
        raise TrainingStoppedError("SIGUSR1" if requeued else "SIGTERM", self.path, self._batches)


def requeue() -> None:
    """Have SLURM run this job again."""
    array, task = (os.environ.get(f"SLURM_ARRAY_{name}") for name in ("JOB_ID", "TASK_ID"))
    job = f"{array}_{task}" if array and task else os.environ["SLURM_JOB_ID"]
    done = subprocess.run(["scontrol", "requeue", job], check=False)
    if done.returncode:
        log.error("scontrol did not queue job %s again (status %d).", job, done.returncode)
