"""Numbers that are not finite: how they reach all processes, and what the user reads."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

SHOWN = 16
"""Clips that a message names."""


def carrying(loss: Float[Tensor, ""]) -> Float[Tensor, ""]:
    """The loss; if it is not finite, with gradients of NaN, which averaging tells to all."""
    return loss * (loss.detach() * 0 + 1)


def gradient_norm(learning: Iterable[nn.Parameter]) -> Float[Tensor, ""]:
    """Norm of all gradients together."""
    return torch.nn.utils.get_total_norm([p.grad for p in learning if p.grad is not None])


@dataclass(frozen=True)
class Failure:
    """A training step with a number that is not finite.

    Attributes:
        phase: Whose turn it was: ``discriminator``, ``generator``, or ``encoder`` of identities.
        step: Training step, from 0.
        epoch: Epoch, from 0.
        clips: Clips, or pictures, of the batch of this process.
        values: Loss terms computed so far in this step, and ``total`` of the phase.
        norm: Norm of the gradients; that of all processes together.
        inputs: Parts of the batch that are not finite, with the clips they belong to.
        scale: Factor of the gradients at half precision, 1 without.
        precision: Precision of the training.
        rank: This process.
        world: Number of processes.
        remedy: What usually helps.
    """

    phase: str
    step: int
    epoch: int
    clips: list[str]
    values: dict[str, float]
    norm: float
    inputs: dict[str, list[str]] = field(default_factory=dict)
    scale: float = 1.0
    precision: str = "32-true"
    rank: int = 0
    world: int = 1
    remedy: str = "lower the learning rates or `model.clip`, or drop the term that is named"

    @property
    def terms(self) -> list[str]:
        """Names of the values that are not finite."""
        return [name for name, value in self.values.items() if not isfinite(value)]


class NonFiniteError(RuntimeError):
    """A loss or its gradient became infinite or NaN; going on would ruin every weight.

    Attributes:
        failure: What was found.
        dump: File that computes the step again; None in a trial run.
    """

    def __init__(self, failure: Failure, dump: Path | None) -> None:
        self.failure, self.dump = failure, dump
        where = f"step {failure.step} of epoch {failure.epoch}"
        process = f", process {failure.rank} of {failure.world}" if failure.world > 1 else ""
        again = f" `python -m talkface.cli.replay {dump}` computes it again." if dump else ""
        super().__init__(
            f"Training stopped in the phase of the {failure.phase}, {where}{process}: "
            f"{_what(failure)}. Clips: {_named(failure.clips)}.{_inputs(failure.inputs)} "
            f"Values: {_listed(failure.values)}.{again} No weight was changed by it: resume from "
            f"the last checkpoint. {_advice(failure)}"
        )


def _what(failure: Failure) -> str:
    if failure.terms:
        found = _listed({name: failure.values[name] for name in failure.terms})
        return f"not finite: {found}"
    if failure.scale < 1:
        return f"gradients overflow 16 bits even when scaled by {failure.scale:g}"
    if failure.world > 1:
        return (
            f"the losses here are finite, but a gradient is not (norm {failure.norm:g}); see "
            "the messages of the other processes"
        )
    return f"every loss is finite, but a gradient is not (norm {failure.norm:g})"


def _inputs(inputs: Mapping[str, list[str]]) -> str:
    found = [f"`{name}` of {', '.join(clips)}" for name, clips in inputs.items()]
    return f" The data are not finite themselves: {'; '.join(found)}." if found else ""


def _advice(failure: Failure) -> str:
    if failure.inputs:
        return "Prepare these clips again, or leave them out."
    if failure.precision.startswith("16"):
        return "Use --trainer.precision bf16-mixed or 32-true: 16 bits end at 65,504."
    return (
        f"If it returns, {failure.remedy}; "
        "--trainer.precision 32-true tells whether it comes from rounding."
    )


def _named(clips: Sequence[str]) -> str:
    more = f" and {len(clips) - SHOWN} more" if len(clips) > SHOWN else ""
    return ", ".join(clips[:SHOWN]) + more


def _listed(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in values.items())
