"""Optimizers that take turns: what stops a training, and what is only left out."""

import math
import re
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins import MixedPrecision
from pytorch_lightning.strategies import DDPStrategy
from torch import Tensor
from torch.multiprocessing.spawn import ProcessRaisedException

from talkface.cli.replay import compare, main
from talkface.data.datamodule import TalkFaceData
from talkface.finite import NonFiniteError
from talkface.losses import R1, Contrastive, LandmarkError, PathLength, Pixel, Terms
from talkface.system import TalkFace
from talkface.types import Window
from tests.system.test_talkface import data, moved, system, weights


class History(pl.Callback):
    """What was logged after every step."""

    def __init__(self) -> None:
        self.lines: list[dict[str, float]] = []

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        self.lines.append({name: float(v) for name, v in trainer.callback_metrics.items()})


SCALE = 64.0
"""Of gradients at the start; from the usual one, 65,536, the first steps may overflow."""


def trainer(
    folder: Path, steps: int = 2, precision: Any = "32-true", scale: float = SCALE
) -> pl.Trainer:
    """Lightning turns 16 bits into others on processors, unless it is given the plugin."""
    half, scaler = precision == "16-mixed", torch.amp.GradScaler("cpu", init_scale=scale)
    return pl.Trainer(
        plugins=[MixedPrecision("16-mixed", "cpu", scaler)] if half else None,
        default_root_dir=folder,
        accelerator="cpu",
        precision=None if half else precision,
        callbacks=[History()],
        max_epochs=steps,
        limit_train_batches=1,
        limit_val_batches=0,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


class Poisoned(TalkFaceData):
    """In the second batch a sound is not finite."""

    count = 0

    def on_after_batch_transfer(self, batch: Window, dataloader_idx: int) -> Window:
        batch = super().on_after_batch_transfer(batch, dataloader_idx)
        self.count += 1
        if self.count == 2:
            batch.mfcc[1, 0, 0, 0] = math.nan
        return batch


def poisoned(prepared: Path) -> TalkFaceData:
    return Poisoned(prepared, frames=6, batch_size=2, workers=0, augment=None)


# -- what stops a training --------------------------------------------------------------------


def test_a_loss_that_is_not_finite_stops_before_a_weight_or_a_statistic_is_lost(
    prepared: Path, tmp_path: Path
) -> None:
    model = system()
    with pytest.raises(NonFiniteError) as caught:
        trainer(tmp_path).fit(model, poisoned(prepared))
    failure, message = caught.value.failure, str(caught.value)
    assert (failure.phase, failure.step, failure.epoch) == ("discriminator", 1, 1)
    assert "adversary/sync_gan" in failure.terms
    (name,) = failure.inputs["mfcc"]
    assert name in failure.clips
    assert f"`mfcc` of {name}" in message
    assert "adversary/sync_gan nan" in message
    assert all(p.isfinite().all() for p in model.parameters())
    assert caught.value.dump is not None
    kept = torch.load(caught.value.dump, weights_only=False)["state_dict"]
    assert all(value.isfinite().all() for value in kept.values())


def test_a_dump_computes_the_same_step_again_and_runs_no_code_of_its_own(
    prepared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    terms = Terms(pixel=Pixel(), contrastive=Contrastive(), landmarks=LandmarkError())
    model = system(terms, drives=("video",), residual=False)
    with pytest.raises(NonFiniteError, match=r"not finite: train/contrastive nan") as caught:
        trainer(tmp_path).fit(model, poisoned(prepared))
    failure, dump = caught.value.failure, caught.value.dump
    assert dump is not None
    assert [path.name for path in tmp_path.iterdir()] == [dump.name]
    values = compare(dump)
    assert {name for name, value in values.items() if math.isnan(value)} >= set(failure.terms)
    finite = {name: v for name, v in failure.values.items() if math.isfinite(v)}
    assert set(finite) == {"train/pixel", "train/landmarks"}
    for name, value in finite.items():
        assert values[name] == pytest.approx(value, rel=1e-4), name
    caplog.set_level("INFO")
    assert main([str(dump)]) == 0
    assert re.search(r"train/contrastive +nan \(then nan\) +<- not finite", caplog.text)


def test_a_finite_loss_with_a_gradient_that_is_not_stops_too(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def steep(self: Pixel, rendering: Any, window: Window) -> Tensor:
        value: Tensor = (rendering.frames.sum() * 0).sqrt()
        return value

    monkeypatch.setattr(Pixel, "forward", steep)
    model = system(Terms(pixel=Pixel()))
    before = weights(model)
    with pytest.raises(NonFiniteError, match="every loss is finite, but a gradient is not"):
        trainer(tmp_path).fit(model, data(prepared))
    assert not moved(model, before)


class PoisonedElsewhere(Poisoned):
    """Only the data of the second process are broken."""

    def on_after_batch_transfer(self, batch: Window, dataloader_idx: int) -> Window:
        if self.trainer is None or self.trainer.global_rank == 0:
            return TalkFaceData.on_after_batch_transfer(self, batch, dataloader_idx)
        return super().on_after_batch_transfer(batch, dataloader_idx)


@pytest.mark.slow
def test_all_processes_stop_together_and_the_one_with_the_broken_data_writes_them(
    prepared: Path, tmp_path: Path
) -> None:
    strategy = DDPStrategy(start_method="fork", find_unused_parameters=True)
    fitting = pl.Trainer(
        default_root_dir=tmp_path,
        accelerator="cpu",
        devices=2,
        strategy=strategy,
        max_epochs=3,
        limit_train_batches=1,
        limit_val_batches=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    broken = PoisonedElsewhere(prepared, frames=6, batch_size=2, workers=0, augment=None)
    with pytest.raises(ProcessRaisedException, match="NonFiniteError"):
        fitting.fit(system(Terms(landmarks=LandmarkError(), contrastive=Contrastive())), broken)
    (dump,) = tmp_path.glob("stopped-*")
    assert dump.name == "stopped-step1-rank1.pt"


# -- half precision ---------------------------------------------------------------------------


def exploding(model: TalkFace, phase: str, steps: set[int]) -> None:
    """Make gradients of a phase overflow in some steps, with losses that are finite."""
    learn = model._learn

    def at_times(name: Any, optimizer: Any, loss: Tensor) -> None:
        bad = name == phase and model.steps in steps
        learn(name, optimizer, loss + (loss - loss.detach()) * 1e36 if bad else loss)

    model._learn = at_times  # type: ignore[method-assign]


def test_an_overflow_leaves_out_one_step_of_one_optimizer_and_lowers_its_scale_only(
    prepared: Path, tmp_path: Path
) -> None:
    model = system()
    exploding(model, "discriminator", {1})
    fitting, scales, stepped = trainer(tmp_path, 3, "16-mixed"), [], []
    kept = weights(model.adversaries)

    class Watch(pl.Callback):
        def on_train_batch_end(self, *_: Any) -> None:
            nonlocal kept
            stepped.append(moved(model.adversaries, kept))
            kept = weights(model.adversaries)
            scales.append({name: one.get_scale() for name, one in model.scalers.items()})

    fitting.callbacks.append(Watch())  # type: ignore[attr-defined]
    fitting.fit(model, data(prepared))
    assert stepped == [True, False, True]
    assert [one["discriminator"] for one in scales] == [SCALE, SCALE / 2, SCALE / 2]
    assert [one["generator"] for one in scales] == [SCALE] * 3
    history = next(one for one in fitting.callbacks if isinstance(one, History))  # type: ignore[attr-defined]
    assert [line["train/skipped_steps"] for line in history.lines] == [0, 1, 1]
    assert (model.steps, model.skipped, fitting.global_step) == (3, 1, 5)


def test_gradients_are_clipped_without_their_scale(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    norms: dict[str, list[float]] = {}
    clip = torch.nn.utils.clip_grad_norm_

    def watched(parameters: Any, most: float) -> Tensor:
        norms[now].append(float(norm := clip(parameters, most)))
        return norm

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", watched)
    for now in ("32-true", "16-mixed", "bf16-mixed"):
        norms[now] = []
        pl.seed_everything(1, verbose=False)
        model = system(path_length=PathLength(every=1), residual=False)
        trainer(tmp_path, 1, now).fit(model, data(prepared))
    for now in ("16-mixed", "bf16-mixed"):
        assert norms[now] == pytest.approx(norms["32-true"], rel=0.1), now


def test_a_training_that_overflows_at_every_scale_stops(prepared: Path, tmp_path: Path) -> None:
    model = system(Terms(landmarks=LandmarkError()))
    exploding(model, "generator", set(range(9)))
    with pytest.raises(NonFiniteError, match=r"overflow 16 bits even when scaled by 0\.5.*bf16-m"):
        trainer(tmp_path, 9, "16-mixed", scale=2.0).fit(model, data(prepared))
    assert model.skipped == 2


def test_a_loss_that_is_not_finite_is_not_left_out_as_an_overflow(
    prepared: Path, tmp_path: Path
) -> None:
    with pytest.raises(NonFiniteError, match="adversary/sync_gan nan"):
        trainer(tmp_path, 2, "16-mixed").fit(system(), poisoned(prepared))


def test_penalties_of_gradients_are_the_same_at_half_precision(
    prepared: Path, tmp_path: Path
) -> None:
    seen = {}
    for precision in ("32-true", "16-mixed", "bf16-mixed"):
        pl.seed_everything(1, verbose=False)
        model = system(r1=R1(every=1))
        fitting = trainer(tmp_path, 1, precision)
        fitting.fit(model, data(prepared))
        seen[precision] = float(fitting.callback_metrics["adversary/r1"])
    assert seen["16-mixed"] == pytest.approx(seen["32-true"], rel=0.02)
    assert seen["bf16-mixed"] == pytest.approx(seen["32-true"], rel=0.02)


def test_a_checkpoint_keeps_the_scales_and_what_was_left_out(
    prepared: Path, tmp_path: Path
) -> None:
    model = system(Terms(landmarks=LandmarkError()))
    exploding(model, "generator", {0, 1})
    first = trainer(tmp_path, 2, "16-mixed")
    first.fit(model, data(prepared))
    first.save_checkpoint(tmp_path / "model.ckpt")
    again = system(Terms(landmarks=LandmarkError()))
    trainer(tmp_path, 3, "16-mixed").fit(
        again, data(prepared), ckpt_path=tmp_path / "model.ckpt", weights_only=False
    )
    assert (again.steps, again.skipped) == (3, 2)
    assert again.scalers["generator"].get_scale() == SCALE / 4
