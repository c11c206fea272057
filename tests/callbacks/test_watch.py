"""Trainings that go wrong without stopping: who warns when, and who keeps quiet."""

import logging
import math
import re
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from talkface.callbacks import Watch
from talkface.callbacks.watch import heard
from talkface.types import Window
from tests.callbacks.test_shared import window

HEALTHY = [
    # adversary/gan, adversary/r1, train/gan, train/info_nce: every 80th step of a demo run
    (None, None, None, 5.024), (None, None, None, 4.498), (None, None, None, 3.635),
    (1.998, None, None, 2.680), (1.914, 0.080, None, 2.333), (1.777, 0.330, None, 2.356),
    (1.803, 0.454, None, 1.866), (1.780, 0.526, None, 1.845), (1.735, None, None, 1.521),
    (1.860, 0.593, 0.352, 1.510), (1.822, 0.585, 0.214, 1.506), (1.757, 0.559, 0.125, 1.310),
    (1.841, 0.594, 0.247, 1.287), (1.793, 0.590, 0.369, 1.255),
]  # fmt: skip
NAMES = ("adversary/gan", "adversary/r1", "train/gan", "train/info_nce")


class Model(pl.LightningModule):
    """Renders the loudness of what it hears, or nothing of it."""

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__()
        self.gain, self.steps, self.kept = gain, 0, dict[str, float]()

    def drive(self, batch: Window, drive: str) -> Tensor:
        loud = batch.mfcc.mean((2, 3))[:, :, None, None, None]
        return self.gain * loud.expand_as(batch.frames)

    def log(self, name: str, value: Any, **_: Any) -> None:  # type: ignore[override]
        self.kept[name] = float(value)


def warnings(
    caplog: pytest.LogCaptureFixture, lines: list[tuple[float | None, ...]], **settings: Any
) -> tuple[list[str], Model, pl.Trainer]:
    """What is said of a run whose losses are read so."""
    caplog.set_level(logging.WARNING)
    model, trainer = Model(), pl.Trainer(accelerator="cpu", logger=False)
    watch = Watch(every=1, patience=3, **settings)
    batch = window()._replace(frames=torch.zeros(8, 16, 3, 4, 4))
    for values in lines:
        known = {k: torch.tensor(v) for k, v in zip(NAMES, values, strict=True) if v is not None}
        trainer._logger_connector._callback_metrics = known
        watch.on_train_batch_end(trainer, model, None, batch, 0)
        model.steps += 1
    told = [r.getMessage() for r in caplog.records if r.name == "talkface.callbacks.watch"]
    return told, model, trainer


@pytest.fixture(autouse=True)
def metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a trainer that does not run show the losses that a test gives it."""
    shown = property(lambda self: getattr(self._logger_connector, "_callback_metrics", {}))
    monkeypatch.setattr(pl.Trainer, "callback_metrics", shown)


def test_a_healthy_run_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    told, model, _ = warnings(caplog, list(HEALTHY))
    assert told == []
    assert set(model.kept.values()) == {0.0}


@pytest.mark.parametrize(
    ("values", "name", "seen"),
    [
        ((0.001, 0.2, 9.0, 1.0), "discriminator_won", "0.001, that of the generator against it 9"),
        ((2 * math.log(2), 0.0, 0.69, 1.0), "discriminator_blind", r"at chance \(1.3863\)"),
        ((1.0, 0.2, 0.5, 4.85), "sync_at_chance", "guessing gives 4.852"),
        ((1.0, 0.2, 0.5, 99.0), "sync_explodes", "InfoNCE is 99"),
    ],
)
def test_what_lasts_is_told_once_with_its_beginning(
    values: tuple[float, ...], name: str, seen: str, caplog: pytest.LogCaptureFixture
) -> None:
    healthy = (1.0, 0.2, 0.5, 1.0)
    told, model, trainer = warnings(caplog, [healthy, *[values] * 5], stop=True)
    (message,) = told
    assert message.startswith(f"{name.replace('_', ' ').capitalize()} since step 1: ")
    assert re.search(seen, message)
    assert {key for key, value in model.kept.items() if value} == {f"watch/{name}"}
    assert trainer.should_stop


def test_what_passes_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    bad, good = (0.001, 0.2, 9.0, 1.0), (1.0, 0.2, 0.5, 1.0)
    assert warnings(caplog, [bad, bad, good, bad, bad])[0] == []


def test_a_mouth_that_ignores_the_sound_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    trainer = pl.Trainer(accelerator="cpu", logger=False)
    assert heard(Model(1.0), window()) > 0.1
    for gain, told in ((1.0, 0), (1e-4, 1)):
        watch = Watch(validations=2)
        for _ in range(3):
            model = Model(gain)
            model.steps = 5
            watch.on_validation_batch_end(trainer, model, None, window(), 0)
        found = [r for r in caplog.records if "Frozen mouth since step 5" in r.getMessage()]
        assert len(found) == told
