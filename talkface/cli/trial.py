"""A training in small: are the data there, does a step run, how long will all of them take."""

import logging
import resource
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from talkface.cli.findings import GIB, Finding
from talkface.data.datamodule import TalkFaceData
from talkface.data.layout import read_manifest
from talkface.data.speed import measure
from talkface.system import TalkFace
from talkface.types import Window

SEEN = 8
"""Windows of each split that are decoded."""

INSIDE = 0.9
"""Share of the known landmarks that lies within the pictures of a sound corpus."""

SECONDS = 20.0
"""How long steps are measured; at least two are."""

STEPS = 17
"""Most steps that are measured: one of them with every lazy penalty, if they come every 16."""

READING = 3.0
"""Seconds for which windows are read."""

DAY = 86_400


def splits(data: TalkFaceData) -> Finding:
    """Clips of every split; nobody may be in two of them unnoticed."""
    records = {split: read_manifest(data.root, split) for split in ("train", "val", "test")}
    data.setup("fit")
    counts = ", ".join(f"{len(clips):,} {split}" for split, clips in records.items())
    ids = {split: {record.id for record in clips} for split, clips in records.items()}
    twice = (ids["train"] & ids["val"]) | (ids["train"] & ids["test"])
    if twice:
        return Finding("data", "error", f"{len(twice)} clips are trained and judged: {min(twice)}")
    text = f"{data.root}: {counts} clips; {len(data.train_dataloader()):,} batches an epoch"
    return Finding("data", "ok", text)


def clips(data: TalkFaceData) -> Finding:
    """Some windows of both splits: do they decode, are faces in the pictures, is there sound."""
    parts = (data.train, data.val)
    windows = [part[i * len(part) // SEEN] for part in parts for i in range(min(SEEN, len(part)))]
    wrong = [f"{window.clip}: {found}" for window in windows if (found := _odd(window))]
    wrong += [f"{part.records[i].id}: damaged" for part in parts for i in part.health.skipped]
    if wrong:
        text = f"{len(wrong)} of {len(windows)} windows look odd ({'; '.join(wrong[:3])})"
        return Finding("clips", "warning", f"{text}: see `python -m data_prep verify`")
    text = f"{len(windows)} windows decode, with sound, faces inside the picture"
    return Finding("clips", "ok", text)


def _odd(window: Window) -> str | None:
    points, side = window.landmarks, window.frames.shape[-1]
    known = points.isfinite().all(-1)
    within = ((points > -1) & (points < side)).all(-1)
    if known.any() and float(within[known].float().mean()) < INSIDE:
        return "the face is not inside the picture"
    if float(window.frames.float().std()) < 1:
        return "the picture is blank"
    if float(window.mfcc.std(0).mean()) == 0 or not window.mfcc.isfinite().all():
        return "the sound is silent or broken"
    return None


class Clock(Callback):
    """Seconds of every step; ends the training when there are enough."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._start = 0.0

    def on_train_batch_start(self, trainer: Trainer, *_: Any) -> None:
        """Start."""
        self._start = time.perf_counter()

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Stop, once the device is done."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.seconds.append(time.perf_counter() - self._start)
        enough = sum(self.seconds) > SECONDS or len(self.seconds) >= STEPS
        trainer.should_stop = enough and len(self.seconds) > 1


def steps(
    model: LightningModule, data: Any, settings: Any, speed: float | None = None
) -> list[Finding]:
    """Train some steps on real batches, as the training will when it renders.

    Args:
        model: Is changed by it.
        data: Data module.
        settings: ``trainer`` of the config.
        speed: Windows per second that can be read.
    """
    if isinstance(model, TalkFace):  # such as it is after the warm-up, with every term
        begin = model.warmup + (model.terms.gan.start if model.terms.gan else 0)
        model.steps = -(-begin // (STEPS - 1)) * (STEPS - 1)
    clock = Clock()
    with _quiet():
        _small(settings, clock).fit(model, datamodule=data)
    first, rest = clock.seconds[0], clock.seconds[1:]
    mean = sum(rest) / len(rest) if rest else first
    text = f"{mean:.2f} s a step of {data.batch_size} (the first: {first:.1f} s), {_memory()}"
    step = Finding("step", "ok", text)
    return [step, reading(data, mean, speed), duration(model, settings, mean)]


def reading(data: Any, step: float, speed: float | None) -> Finding:
    """Whether windows come as fast as steps eat them."""
    if speed is None:
        return Finding("loading", "ok", "not measured for this experiment")
    eaten = data.batch_size / step
    text = f"{speed:.0f} windows/s are read, steps eat {eaten:.1f}"
    if speed < eaten:
        return Finding("loading", "warning", f"{text}: use more `data.workers`")
    return Finding("loading", "ok", text)


def windows_per_second(data: TalkFaceData) -> float:
    """How fast windows can be read."""
    return measure(data, READING).rate


def duration(model: LightningModule, settings: Any, step: float) -> Finding:
    """What the whole training takes, without validation."""
    many = settings["devices"] if str(settings["devices"]).isdigit() else 1
    nodes = int(settings["num_nodes"] or 1)
    batches = model.trainer.train_dataloader
    each = len(batches) / (int(many) * nodes) if batches is not None else 0
    epochs = settings["max_epochs"] or 1000
    count = each * epochs
    seconds = count * step
    days = f"{seconds / DAY:.1f} days" if seconds > DAY else f"{seconds / 3600:.1f} h"
    many_said = f" on {int(many) * nodes} devices like this" if int(many) * nodes > 1 else ""
    return Finding("duration", "ok", f"{epochs} epochs, {count:,.0f} steps: {days}{many_said}")


def _small(settings: Any, clock: Clock) -> Trainer:
    return Trainer(
        accelerator=settings["accelerator"],
        devices=1,
        precision=settings["precision"],
        max_epochs=-1,
        callbacks=[clock],
        limit_val_batches=0,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what Lightning says about a training that is none."""
    disabled = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


def _memory() -> str:
    if torch.cuda.is_available():
        total = torch.cuda.get_device_properties(0).total_memory / GIB
        return f"{torch.cuda.max_memory_allocated() / GIB:.1f} of {total:.0f} GiB of the GPU"
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f"{kilobytes / 2**20:.1f} GiB of memory"
