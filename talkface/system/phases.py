"""Optimizers that take turns: scaled at half precision, clipped, stopped before NaN spreads."""

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, cast

import pytorch_lightning as pl
import torch
from pytorch_lightning.core.optimizer import LightningOptimizer
from pytorch_lightning.plugins import MixedPrecision
from torch import Tensor
from torch.amp import GradScaler
from torch.nn import Parameter

from talkface import ranks
from talkface.finite import Failure, NonFiniteError, carrying, gradient_norm
from talkface.system.moment import Moment, clips_of, write_dump
from talkface.types import Window

Phase = Literal["discriminator", "generator"]

PLACES: dict[Phase, int] = {"generator": 0, "discriminator": 1}
"""Which optimizer is whose."""

HALF = "16-mixed"
STATE = "talkface_precision"


class Phased(pl.LightningModule):
    """A module whose training step gives the floor to one optimizer after the other.

    A loss that is not finite makes every gradient NaN, so that averaging the gradients tells all
    processes, without a message of its own. The norm of the gradients is read before the weights
    are changed: one number per optimizer step, the only time that the processor waits for the
    device. If it is not finite, all processes stop together, and nothing is lost but the step.

    At half precision (``16-mixed``) gradients that overflow are usual: the step is left out and
    counted, and the scale of this optimizer halved. Each has a scale of its own: its losses are
    its own too, and an overflow of one says nothing about the other.

    Attributes:
        clip: Largest gradient norm of encoders and generator; None for no limit.
        steps: Training steps so far; those left out at half precision count too, and move
            learning rates and whatever starts or returns after some steps.
        skipped: Optimizer steps left out at half precision.
        measured: Last value of everything that is reported, mean over all processes.
    """

    clip: float | None = None
    steps: int = 0
    skipped: int = 0

    def __init__(self) -> None:
        super().__init__()
        self.scalers: dict[Phase, GradScaler] = {}
        self.measured: dict[str, Tensor] = {}
        self._moment: Moment | None = None
        self._values: dict[str, Tensor] = {}

    def setup(self, stage: str) -> None:
        """Take the scaling of gradients over from Lightning, which has one scale for everything."""
        plugin = self.trainer.precision_plugin
        if stage == "fit" and isinstance(plugin, MixedPrecision) and plugin.precision == HALF:
            pattern = plugin.scaler or GradScaler(plugin.device)
            self.scalers = {phase: copy.deepcopy(pattern) for phase in PLACES}
            plugin.scaler = None

    def begin(self, window: Window) -> None:
        """Remember what this training step starts from."""
        self._moment, self._values = Moment.take(self, window), {}

    def end(self) -> None:
        """Log what was measured, count the training step and move the learning rates."""
        self._log_measured()
        self._moment, self._values = None, {}
        self.steps += 1
        with warnings.catch_warnings():  # torch's, if the first step was left out
            warnings.filterwarnings("ignore", r"Detected call of `lr_scheduler\.step")
            for scheduler in cast("Sequence[Any]", self.lr_schedulers()):
                scheduler.step()
        if self.scalers:
            self.log("train/skipped_steps", float(self.skipped))

    def report(self, values: Mapping[str, Tensor]) -> None:
        """Log values at the end of this step, and remember them in case it fails."""
        self._values |= {name: value.detach() for name, value in values.items()}

    def _log_measured(self) -> None:
        """Log the mean over all processes of what was measured, lazily or just now."""
        values = ranks.mean(torch.stack([value.float() for value in self._values.values()]))
        self.measured |= dict(zip(self._values, values, strict=True))
        for name, value in self.measured.items():
            self.log(name, value, prog_bar=name.startswith("train/"))

    @contextmanager
    def phase(self, name: Phase) -> Iterator[Callable[[Tensor], None]]:
        """Give one optimizer the floor: only its parameters get gradients.

        Raises:
            NonFiniteError: From the yielded function, in all processes, if the loss or its
                gradients are not finite in any.
        """
        optimizer = cast("Sequence[LightningOptimizer]", self.optimizers())[PLACES[name]]
        with self.toggled_optimizer(optimizer):
            yield lambda loss: self._learn(name, optimizer, loss)

    def parameters_of(self, name: Phase) -> list[Parameter]:
        """What the optimizer of a phase changes."""
        rivals = list(self.get_submodule("adversaries").parameters())
        if name == "discriminator":
            return rivals
        theirs = {id(p) for p in rivals}
        return [p for p in self.parameters() if id(p) not in theirs]

    def _learn(self, name: Phase, optimizer: LightningOptimizer, loss: Tensor) -> None:
        scaler = self.scalers.get(name)
        optimizer.zero_grad()
        carried = carrying(loss)
        self.manual_backward(carried if scaler is None else scaler.scale(carried))
        if scaler is not None:
            scaler.unscale_(optimizer.optimizer)
        norm = self._clipped(name, optimizer)
        if bool(norm.isfinite()):
            optimizer.step()
        else:
            self._refuse(name, loss, norm)
        if scaler is not None:
            scaler.update()

    def _clipped(self, name: Phase, optimizer: LightningOptimizer) -> Tensor:
        """Norm of the gradients before they are clipped."""
        learning = [p for group in optimizer.param_groups for p in group["params"]]
        if name == "generator" and self.clip is not None:
            return torch.nn.utils.clip_grad_norm_(learning, self.clip)
        return gradient_norm(learning)

    def _refuse(self, name: Phase, loss: Tensor, norm: Tensor) -> None:
        """Leave a step out that only overflowed 16 bits; stop for anything else.

        All processes are here or none, as their gradients are the same.
        """
        strategy, scaler = self.trainer.strategy, self.scalers.get(name)
        here = not bool(loss.isfinite())
        anywhere = strategy.reduce_boolean_decision(here, all=False)
        if scaler is not None and not anywhere and scaler.get_scale() >= 1:
            self.skipped += 1
            return
        failure = self._failure(name, loss, norm)
        # Codes of all processes are gathered, so broken data of one can spoil the losses of all.
        if strategy.reduce_boolean_decision(bool(failure.inputs), all=False):
            here = bool(failure.inputs)
        try:
            dump = self._dump(failure) if here or (not anywhere and self.global_rank == 0) else None
        finally:
            strategy.barrier()  # whoever ends first ends the others, who may still be writing
        raise NonFiniteError(failure, dump)

    def _failure(self, name: Phase, loss: Tensor, norm: Tensor) -> Failure:
        values = {key: float(value) for key, value in self._values.items()}
        scaler = self.scalers.get(name)
        return Failure(
            phase=name,
            step=self.steps,
            epoch=self.current_epoch,
            clips=clips_of(self._moment.window) if self._moment else [],
            values={**values, f"{name}/total": float(loss.detach())},
            norm=float(norm),
            inputs=self._moment.unusual() if self._moment else {},
            scale=1.0 if scaler is None else scaler.get_scale(),
            precision=str(self.trainer.precision),
            rank=self.global_rank,
            world=self.trainer.world_size,
        )

    def _dump(self, failure: Failure) -> Path | None:
        if self._moment is None or getattr(self.trainer, "fast_dev_run", False):
            return None
        folder = Path(self.trainer.default_root_dir)
        file = folder / f"stopped-step{failure.step}-rank{failure.rank}.pt"
        write_dump(file, self, self._moment, failure)
        return file

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the number of steps, what was measured, and the scales of the gradients."""
        checkpoint["talkface_steps"] = self.steps
        checkpoint["talkface_measured"] = {name: v.cpu() for name, v in self.measured.items()}
        scales = {phase: scaler.state_dict() for phase, scaler in self.scalers.items()}
        checkpoint[STATE] = {"skipped": self.skipped, "scales": scales}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on counting and scaling where the checkpoint stopped."""
        self.steps = checkpoint.get("talkface_steps", 0)
        measured = checkpoint.get("talkface_measured", {})
        self.measured = {name: value.to(self.device) for name, value in measured.items()}
        kept = checkpoint.get(STATE, {})
        self.skipped = kept.get("skipped", 0)
        for phase, scaler in self.scalers.items():
            if phase in kept.get("scales", {}):
                scaler.load_state_dict(kept["scales"][phase])
