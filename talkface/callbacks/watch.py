"""Trainings that go wrong without stopping: games that are over, sound that is not heard."""

import logging
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from talkface.callbacks.shared import renderer
from talkface.types import Window

log = logging.getLogger(__name__)

CHANCE = {"non_saturating": 2 * math.log(2), "hinge": 2.0}
"""Loss of a discriminator that answers 0 to everything, by game."""


class Symptom(NamedTuple):
    """What may be wrong at one reading.

    Attributes:
        name: Key on the dashboard, below ``watch/``: 1 while it lasts, else 0.
        present: Whether it is seen.
        seen: What was seen.
        advice: What usually helps.
    """

    name: str
    present: bool
    seen: str
    advice: str


class Watch(Callback):
    """Warn of what lasts: a game that is over, sync at chance, sound that is not heard.

    Every so many batches the logged losses are read, and in every validation the first batch is
    rendered twice: under its own sound and under that of its neighbour. If nothing but the sound
    differs and the frames do not, the mouth is frozen. ``watch/heard`` is how much they differ,
    over how much the true frames move; ``watch/...`` is 1 while a symptom lasts.

    Args:
        every: Batches between readings.
        patience: Readings in a row that must show a symptom.
        validations: Validations in a row that must show a frozen mouth.
        won: Loss of D_seq below which it has won.
        chance: Distance of that loss from chance below which D_seq sees nothing.
        blind: Penalty of R1 below which its gradients are nothing.
        sync: Share of the InfoNCE loss of guessing above which sync is at chance.
        explosion: The same above which it explodes.
        heard: Difference by sound, over true motion, below which sound is not heard.
        stop: Whether to stop the training, too.
    """

    def __init__(
        self,
        every: int = 50,
        patience: int = 20,
        validations: int = 3,
        won: float = 0.05,
        chance: float = 0.01,
        blind: float = 1e-3,
        sync: float = 0.98,
        explosion: float = 3.0,
        heard: float = 0.01,
        stop: bool = False,
    ) -> None:
        super().__init__()
        self.every, self.patience, self.validations = every, patience, validations
        self.won, self.chance, self.blind = won, chance, blind
        self.sync, self.explosion, self.heard, self.stop = sync, explosion, heard, stop
        self._since: dict[str, list[int]] = {}

    def symptoms(
        self, values: Mapping[str, float], frames: int, game: str = "non_saturating"
    ) -> Iterator[Symptom]:
        """What may be wrong with losses that were just logged.

        Args:
            values: Losses by name.
            frames: Frames of the batch: what InfoNCE chooses among.
            game: That of D_seq.
        """
        if (loss := values.get("adversary/gan")) is not None:
            fooled = values.get("train/gan", -math.inf)  # not playing yet
            yield Symptom(
                "discriminator_won",
                loss < self.won and fooled > CHANCE[game] / 2,
                f"the loss of D_seq is {loss:.3g}, that of the generator against it {fooled:.3g}",
                "raise model.r1.gamma, or lower discriminator_adam.lr or the weight of terms.gan",
            )
            slope = values.get("adversary/r1", 0.0)
            yield Symptom(
                "discriminator_blind",
                abs(loss - CHANCE[game]) < self.chance and slope < self.blind,
                f"D_seq is at chance ({loss:.4f}), with gradients of nothing (R1 {slope:.2g})",
                "raise discriminator_adam.lr, or lower model.r1.gamma",
            )
        if (loss := values.get("train/info_nce")) is not None:
            guess = math.log(frames)
            yield Symptom(
                "sync_at_chance",
                self.sync * guess < loss < self.explosion * guess,
                f"InfoNCE is {loss:.3f}, guessing gives {guess:.3f}",
                "check that sound and picture belong together (`python -m data_prep verify`), "
                "train longer encodings first (model.warmup), or raise the learning rate",
            )
            yield Symptom(
                "sync_explodes",
                loss >= self.explosion * guess,
                f"InfoNCE is {loss:.3f}, guessing gives {guess:.3f}",
                "lower generator_adam.lr or model.clip",
            )

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Read the losses, now and then: only then the processor waits for the device."""
        steps = getattr(pl_module, "steps", trainer.global_step)
        if steps % self.every or not isinstance(batch, Window):
            return
        names = ("adversary/gan", "adversary/r1", "train/gan", "train/info_nce")
        known = {k: float(v) for k, v in trainer.callback_metrics.items() if k in names}
        game = getattr(getattr(getattr(pl_module, "terms", None), "gan", None), "game", None)
        frames = batch.frames.shape[0] * batch.frames.shape[1]
        for symptom in self.symptoms(known, frames, game or "non_saturating"):
            self._judge(trainer, pl_module, symptom, self.patience)

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Render the first batch under its own sound and under another."""
        if batch_idx or trainer.sanity_checking or not isinstance(batch, Window):
            return
        if getattr(pl_module, "steps", 1) <= getattr(pl_module, "warmup", 0):
            return
        value = heard(pl_module, batch)
        pl_module.log("watch/heard", value, batch_size=len(batch.frames), sync_dist=True)
        symptom = Symptom(
            "frozen_mouth",
            value < self.heard,
            f"frames hardly change with the sound: {value:.2%} of how the true ones move",
            "check the sync terms first; if those learn, weigh the mouth up (terms.pixel.mouth), "
            "and render under sound more often (model.drives)",
        )
        self._judge(trainer, pl_module, symptom, self.validations)

    def _judge(
        self, trainer: Trainer, module: LightningModule, symptom: Symptom, patience: int
    ) -> None:
        """Warn once when a symptom has lasted."""
        step = getattr(module, "steps", trainer.global_step)
        since = self._since.setdefault(symptom.name, [])
        if symptom.present:
            since.append(step)
        else:
            since.clear()
        lasting = len(since) >= patience
        module.log(f"watch/{symptom.name}", float(lasting), batch_size=1)
        if len(since) == patience:
            log.warning(
                "%s since step %d: %s. What usually helps: %s.",
                symptom.name.replace("_", " ").capitalize(), since[0], symptom.seen, symptom.advice,
            )  # fmt: skip
        if lasting and self.stop:
            trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        """Since when symptoms last."""
        return {"since": self._since}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on counting."""
        self._since = state_dict["since"]


@torch.no_grad()
def heard(module: LightningModule, window: Window) -> float:
    """How much rendered frames change with the sound, over how much the true ones move in time."""
    turned = window.mfcc.roll(1, 0) if len(window.mfcc) > 1 else window.mfcc.flip(1)
    own = renderer(module).drive(window, "audio")
    other = renderer(module).drive(window._replace(mfcc=turned), "audio")
    moves = (window.frames - window.frames.mean(1, keepdim=True)).square().mean().sqrt()
    return float((own - other).float().square().mean().sqrt() / moves.clamp(min=1e-3))
