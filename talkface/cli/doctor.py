"""``talkface doctor``: everything that could stop a training, looked at before it starts."""

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import LightningModule

from talkface.cli import findings, trial
from talkface.cli.errors import message_for_users
from talkface.cli.findings import Finding, guarded
from talkface.cli.precision import affordable
from talkface.cli.trainer import TalkFaceCLI, given_callbacks
from talkface.data.datamodule import TalkFaceData
from talkface.models.warmstart import start_warm

log = logging.getLogger(__name__)


class NotReadyError(ValueError):
    """A training with these settings would stop."""

    def __init__(self, wrong: Sequence[Finding]) -> None:
        names = ", ".join(one.check for one in wrong)
        super().__init__(f"A training would not start: {names}. The lines above say what to do.")


class Doctor(TalkFaceCLI):
    """The command line of ``fit``, which looks instead of training."""

    def instantiate_classes(self) -> None:
        """Look at everything, whether or not the rest can be built.

        Raises:
            NotReadyError: If something would stop a training.
        """
        wrong = []
        for finding in self.examine():
            log.log(LEVELS[finding.level], "%s", finding)
            wrong += [finding] if finding.level == "error" else []
        if wrong:
            raise NotReadyError(wrong)

    def _run_subcommand(self, subcommand: str) -> None:
        """Nothing is trained."""

    def before_instantiate_classes(self) -> None:
        """Leave the precision as it was asked for: whether it can be had is a finding."""

    def examine(self) -> Iterator[Finding]:
        """What was found, as it is found."""
        config = self.config["fit"]
        trainer = config["trainer"]
        folder = Path(trainer["default_root_dir"]) if trainer["default_root_dir"] else None
        yield guarded("devices", lambda: findings.devices(trainer), told)
        asked, accelerator = str(trainer["precision"] or "32-true"), trainer["accelerator"]
        trainer["precision"] = affordable(asked, accelerator)
        yield findings.precision(asked, str(trainer["precision"]), accelerator)
        yield guarded("writing", lambda: findings.writing(folder), told)
        built: list[Any] = []
        yield guarded("model", lambda: self._built(built), told)
        if not built:
            return
        model, data = self._get(self.config_init, "model"), self._get(self.config_init, "data")
        callbacks = given_callbacks(self._get(self.config_init, "trainer"))
        yield findings.disk(model, callbacks, folder)
        yield guarded("W&B", lambda: findings.wandb(self._get(self.config_init, "wandb")), told)
        yield from self._tried(model, data, trainer)

    def _built(self, built: list[Any]) -> Finding:
        """Build networks, losses and data; take the weights that the config names."""
        self.config_init = self.parser.instantiate_classes(self.config)
        model = self._get(self.config_init, "model")
        reports = start_warm(model)
        built.append(model)
        count = sum(p.numel() for p in model.parameters()) / 1e6
        started = f", {len(reports)} networks start from given weights" if reports else ""
        return Finding("model", "ok", f"{count:.1f} M parameters{started}")

    def _tried(self, model: LightningModule, data: Any, trainer: Any) -> Iterator[Finding]:
        speed: list[float] = []
        if isinstance(data, TalkFaceData):
            looks: dict[str, Callable[[TalkFaceData], Finding]] = {
                "data": trial.splits,
                "clips": trial.clips,
                "memory": findings.shared_memory,
            }
            for name, look in looks.items():
                yield (found := guarded(name, partial(look, data), told))
                if found.level == "error":
                    return
            speed.append(trial.windows_per_second(data))
        try:
            yield from trial.steps(model, data, trainer, speed[0] if speed else None)
        except Exception as error:  # an error of any kind is what is looked for
            yield Finding("step", "error", told(error))


LEVELS = {"ok": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def told(error: Exception) -> str:
    """An error on one line, with what to do where that is known."""
    if isinstance(error, torch.OutOfMemoryError):
        return "the GPU is too small: use a smaller --data.batch_size or --data.resolution"
    return message_for_users(error) or f"{type(error).__name__}: {error}".replace("\n", " ")
