"""A whole training of seconds: every loss, every lazy penalty, the average, a worker."""

import os
import signal
import time
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from talkface.cli import main

CONFIG = """
seed_everything: 7
trainer:
  accelerator: cpu
  max_epochs: 2
  num_sanity_val_steps: 0
  enable_progress_bar: false
  enable_model_summary: false
  log_every_n_steps: 1
  limit_val_batches: 1
  callbacks:
    - class_path: pytorch_lightning.callbacks.EMAWeightAveraging
      init_args: {decay: 0.9, use_buffers: true}
data:
  resolution: 64
  frames: 6
  batch_size: 1
  workers: 0
model:
  identity_encoder:
    class_path: talkface.models.IdentityEncoder
    init_args: {dim: 16, channels: [8, 8, 8, 8, 8]}
  video_encoder:
    class_path: talkface.models.VideoEncoder
    init_args:
      dim: 16
      face_dim: 4
      hidden: 16
      fan:
        class_path: talkface.models.FAN
        init_args: {num_modules: 1, features: 16, depth: 2, pool: false}
  audio_encoder:
    class_path: talkface.models.AudioEncoder
    init_args: {dim: 16, width: 8}
  generator:
    class_path: talkface.models.Generator
    init_args:
      mouth_dim: 16
      face_dim: 8
      identity_dim: 8
      base: 256
      limit: 16
      identity_channels: [8, 8, 8, 8, 8]
      residual: false
  sequence_discriminator:
    class_path: talkface.models.SequenceDiscriminator
    init_args: {frames: 2, scales: 1, layers: 2, width: 8}
  modality_discriminator:
    class_path: talkface.models.ModalityDiscriminator
    init_args: {dim: 16, hidden: 16}
  word_classifier:
    class_path: talkface.models.WordClassifier
    init_args: {classes: 3, frames: 4, dim: 56, width: 8}
  terms:
    pixel: {class_path: talkface.losses.Pixel, init_args: {mouth: 3.0, eyes: 2.0}}
    gan: {class_path: talkface.losses.Adversarial, init_args: {weight: 0.1}}
    contrastive: {class_path: talkface.losses.Contrastive}
    contrastive_raw: {class_path: talkface.losses.Contrastive, init_args: {normalize: false}}
    info_nce: {class_path: talkface.losses.InfoNCE}
    sync_gan: {class_path: talkface.losses.ModalityAdversary}
    words: {class_path: talkface.losses.WordConfusion, init_args: {every: 2}}
    landmarks: {class_path: talkface.losses.LandmarkError}
  r1: {class_path: talkface.losses.R1, init_args: {every: 2}}
  path_length: {class_path: talkface.losses.PathLength, init_args: {every: 3}}
  anneal_steps: 20
  warmup: 1
  rendered: 2
"""
"""Four batches in each of two epochs of the small corpus."""


class EndAfter(pl.Callback):
    """Tells the process to end, as a cluster does, while a batch is worked at.

    Args:
        batches: How many.
    """

    def __init__(self, batches: int) -> None:
        self.batches = batches

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """End it, if that is this batch."""
        if trainer.fit_loop.epoch_loop.total_batch_idx + 1 == self.batches:
            self.end()

    def end(self) -> None:
        """Send the signal."""
        os.kill(os.getpid(), signal.SIGTERM)


class EndInValidation(pl.Callback):
    """Tells the process to end while it validates.

    Args:
        epoch: In which epoch; -1 for the check before the training.
    """

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_validation_batch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        """Send the signal."""
        if self.epoch == (-1 if trainer.sanity_checking else trainer.current_epoch):
            os.kill(os.getpid(), signal.SIGTERM)


class KillAfter(EndAfter):
    """Kills the process while a batch is worked at.

    Args:
        batches: Which batch.
    """

    def end(self) -> None:
        """Kill, when W&B has taken all that was logged."""
        time.sleep(1)
        os.kill(os.getpid(), signal.SIGKILL)


def command(prepared: Path, run: Path, *more: str) -> list[str]:
    """Train, or go on training, in the folder ``run``; ``small.yaml`` stands beside it."""
    config = run.parent / "small.yaml"
    config.write_text(CONFIG)
    given = [f"--config={config}", f"--data.root={prepared}", f"--trainer.default_root_dir={run}"]
    return ["fit", *given, "--ckpt_path=last", "--wandb.mode=disabled", *more]


def content(run: Path) -> dict[str, Any]:
    """The last checkpoint, without what tells where it is."""
    tree: dict[str, Any] = torch.load(run / "checkpoints/last.ckpt", weights_only=True)
    return {key: tree[key] for key in tree if key != "hyper_parameters"}


def differences(one: Any, other: Any, name: str = "") -> list[str]:
    """Names of all that is not the same, bit for bit."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = {*one, *other}
        return [d for k in names for d in differences(one.get(k), other.get(k), f"{name}/{k}")]
    if isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [d for i, (a, b) in pairs for d in differences(a, b, f"{name}/{i}")]
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return [] if torch.equal(one, other) else [name]
    return [] if one == other else [f"{name}: {one!r}, {other!r}"]


def _run(arguments: list[str]) -> None:
    os.setsid()
    torch.set_num_threads(1)
    main(arguments)


def start(arguments: list[str]) -> BaseProcess:
    """Run a command in a process group of its own, forked from a server."""
    process = get_context("forkserver").Process(target=_run, args=(arguments,))
    process.start()
    return process


def kill(process: BaseProcess) -> None:
    """Kill the whole group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid or 0, signal.SIGKILL)
    process.kill()
    process.join()


def kill_a_rank(process: BaseProcess) -> None:
    """Kill the last of the training processes that a command has started."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(children[-1]), signal.SIGKILL)
