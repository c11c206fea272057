"""All that a training step depends on, taken before it starts, to compute it again."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from talkface.finite import Failure
from talkface.types import Window

LANDMARKS = {"landmarks", "driving_landmarks"}
"""Parts of a window that may be NaN: unknown points."""


class Moment(NamedTuple):
    """A batch, and what else changes from step to step beside weights.

    Attributes:
        window: The batch, as the networks see it.
        rng: State of the random numbers, of the processor and of the device.
        buffers: Running statistics; a step takes its batch into them at once.
    """

    window: Window
    rng: dict[str, Tensor]
    buffers: dict[str, Tensor]

    @classmethod
    def take(cls, module: nn.Module, window: Window) -> "Moment":
        """Keep what ``module`` is about to use. Nothing here waits for a device."""
        names = module.state_dict(keep_vars=True).keys()
        kept = {name: b.detach().clone() for name, b in module.named_buffers() if name in names}
        return cls(window, rng_state(window.frames.device), kept)

    def unusual(self) -> dict[str, list[str]]:
        """Parts of the batch that are not finite, with their clips."""
        found = {}
        clips = clips_of(self.window)
        for name, value in self.window._asdict().items():
            if name in LANDMARKS or not isinstance(value, Tensor):
                continue
            bad = ~value.float().flatten(1).isfinite().all(1) if value.ndim > 1 else None
            if bad is not None and bad.any():
                found[name] = [clip for clip, one in zip(clips, bad.tolist(), strict=True) if one]
        return found


def clips_of(window: Window) -> list[str]:
    """The clip of every element of a batch."""
    return [window.clip] if isinstance(window.clip, str) else list(window.clip)


def rng_state(device: torch.device) -> dict[str, Tensor]:
    """States of the generators that a step on ``device`` draws from."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


@contextmanager
def rng_of(states: dict[str, Tensor], device: torch.device) -> Iterator[None]:
    """Draw the random numbers of ``states``, and go on with the own ones afterwards."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.set_rng_state(states["cpu"])
        if device.type == "cuda" and "cuda" in states:
            torch.cuda.set_rng_state(states["cuda"], device)
        yield


def write_dump(file: Path, module: pl.LightningModule, moment: Moment, failure: Failure) -> None:
    """Write a step as a file: a checkpoint of Lightning with the batch and the random numbers.

    The file is whole or not there. It holds nothing but tensors, plain containers and the settings
    of the model, so it is read without running code of its own.
    """
    content: dict[str, Any] = {
        "pytorch-lightning_version": version("pytorch-lightning"),
        "state_dict": {**module.state_dict(), **moment.buffers},
        module.CHECKPOINT_HYPER_PARAMS_KEY: dict(module.hparams),
        "talkface_steps": failure.step,
        "talkface_failure": asdict(failure),
        "talkface_batch": {name: _kept(x) for name, x in moment.window._asdict().items()},
        "talkface_rng": moment.rng,
    }
    aside = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with aside.open("wb") as stream:
            torch.save(content, stream)
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(file)
    finally:
        aside.unlink(missing_ok=True)


def _kept(value: Any) -> Any:
    return value.detach().cpu() if isinstance(value, Tensor) else value


def replay(
    model: Any, dump: dict[str, Any], device: torch.device | str = "cpu"
) -> dict[str, float]:
    """Compute the losses of a dumped step again, and the norm of the gradients of each.

    Nothing learns: an optimizer step that had been taken before the failure is in the weights of
    the dump already.

    Args:
        model: The ``TalkFace`` of the dump, with its weights.
        dump: Content of the file.
        device: Where to compute; the numbers of another kind of device are drawn anew.
    """
    failure = Failure(**dump["talkface_failure"])
    place = torch.device(device)
    model.to(place).train()
    model.steps, values = failure.step, {}
    window = Window(**{k: _moved(v, place) for k, v in dump["talkface_batch"].items()})
    model.report = lambda new, **_: values.update({k: float(v.detach()) for k, v in new.items()})

    @contextmanager
    def measured(name: str) -> Iterator[Callable[[Tensor], None]]:
        learning = [p for p in model.parameters_of(name) if p.requires_grad]

        def step(loss: Tensor) -> None:
            values[f"{name}/total"] = float(loss.detach())
            grads = torch.autograd.grad(
                loss * failure.scale, learning, retain_graph=True, allow_unused=True
            )
            squares = [(g.double() / failure.scale).square().sum() for g in grads if g is not None]
            values[f"{name}/gradient"] = float(torch.stack(squares).sum().sqrt())

        yield step

    with rng_of(dump["talkface_rng"], place), _precision(failure.precision, place):
        model.learn(window, measured)
    return values


def _moved(value: Any, device: torch.device) -> Any:
    return value.to(device) if isinstance(value, Tensor) else value


def _precision(name: str, device: torch.device) -> AbstractContextManager[Any]:
    dtype = torch.float16 if name.startswith("16") else torch.bfloat16
    return torch.autocast(device.type, dtype=dtype, enabled=name.endswith("mixed"))
