"""What a check found, and what can be checked of machine and config before anything runs."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from pytorch_lightning.callbacks import Checkpoint, ModelCheckpoint
from torch import nn

from talkface.cli.runs import RUNS, Wandb, choose_mode
from talkface.data.datamodule import TalkFaceData

Level = Literal["ok", "warning", "error"]
GIB = 2**30
KEPT_BY_ADAM = 2
SHARED_MEMORY = Path("/dev/shm")
PREFETCHED = 2
"""Batches that torch's loader reads ahead per worker."""


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        check: What was looked at.
        level: Whether a training can start (``ok``, ``warning``) or not (``error``).
        text: What was found, and, unless it is ok, what to do.
    """

    check: str
    level: Level
    text: str

    def __str__(self) -> str:
        return f"{self.level:<8} {self.check:<10} {self.text}"


def devices(trainer: Any) -> Finding:
    """Whether the processors that the config wants are there.

    Args:
        trainer: ``trainer`` of the config.
    """
    wanted, count = trainer["accelerator"], trainer["devices"]
    found = torch.cuda.device_count()
    names = sorted({torch.cuda.get_device_name(i) for i in range(found)})
    free = [torch.cuda.mem_get_info(i)[0] / GIB for i in range(found)]
    seen = f"{found} x {', '.join(names)}, {min(free):.0f} GiB free" if found else "no GPU"
    many = len(count) if isinstance(count, list) else int(count) if str(count).isdigit() else 1
    if wanted in {"gpu", "cuda"} and found < many:
        advice = f"use --trainer.devices {found}" if found else "use --trainer.accelerator cpu"
        return Finding("devices", "error", f"{many} GPUs are wanted, here is {seen}: {advice}")
    if wanted in {"auto", "cpu"} and not found and many == 1:
        return Finding("devices", "warning", f"{seen}, {os.cpu_count()} CPUs: small models only")
    if wanted == "cpu" and found:
        return Finding("devices", "warning", f"{seen}, left idle by --trainer.accelerator cpu")
    return Finding("devices", "ok", f"{seen}; the config asks for {wanted}, {count}")


def precision(asked: str, used: str, accelerator: str) -> Finding:
    """Whether the hardware computes in the precision that was asked for, and not in another."""
    if used != asked:
        return Finding("precision", "warning", f"{asked} is slow here: {used} is used instead")
    on_gpu = accelerator != "cpu" and torch.cuda.is_available()
    if on_gpu and str(asked).startswith("bf16") and not torch.cuda.is_bf16_supported(False):
        text = f"{asked} is emulated by this GPU: use --trainer.precision 16-mixed"
        return Finding("precision", "warning", text)
    return Finding("precision", "ok", str(asked))


def wandb(settings: Wandb) -> Finding:
    """Whether a dashboard will show the run."""
    mode = choose_mode(settings)
    if mode == "offline" and settings.mode == "auto":
        text = "no key: kept offline; `wandb login`, or `wandb sync` later"
        return Finding("W&B", "warning", text)
    return Finding("W&B", "ok", mode)


def writing(folder: Path | None) -> Finding:
    """Whether the folder of the run can be written."""
    place = existing(folder or RUNS)
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"talkface")
    except OSError as error:
        text = f"{place} cannot be written ({error.strerror}): set --trainer.default_root_dir"
        return Finding("writing", "error", text)
    return Finding("writing", "ok", f"{folder or RUNS}")


def disk(model: nn.Module, callbacks: Iterable[Any], folder: Path | None) -> Finding:
    """Whether there is room for the checkpoints to be kept, and one more while it is made."""
    callbacks = list(callbacks)
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    averaged = any("Averaging" in type(one).__name__ for one in callbacks)
    size = weights * (1 + KEPT_BY_ADAM + averaged)
    kept = sum(_kept(one) for one in callbacks if isinstance(one, Checkpoint)) or 1
    needed, free = size * (kept + 1), shutil.disk_usage(existing(folder or RUNS)).free
    text = f"{kept} checkpoints of {size / GIB:.2f} GiB, {free / GIB:.0f} GiB free"
    if needed > free:
        return Finding("disk", "error", f"{text}: make room, or keep fewer (`save_top_k`)")
    if 2 * needed > free:
        return Finding("disk", "warning", f"{text}: nearly full")
    return Finding("disk", "ok", text)


def _kept(callback: Checkpoint) -> int:
    if not isinstance(callback, ModelCheckpoint):
        return 1
    return (10 if callback.save_top_k < 0 else callback.save_top_k) + bool(callback.save_last)


def shared_memory(data: TalkFaceData) -> Finding:
    """Whether the batches that workers read ahead fit where they are handed over."""
    pixels = 3 * data.resolution**2 * (data.frames + 1)
    needed = data.batch_size * pixels * max(1, data.workers) * PREFETCHED
    where = SHARED_MEMORY if data.workers and SHARED_MEMORY.is_dir() else None
    free = shutil.disk_usage(where).free if where else free_memory()
    name = str(where or "memory")
    text = f"{needed / GIB:.2f} GiB of batches in {name}, {free / GIB:.1f} GiB free"
    if needed > free:
        advice = "use fewer `data.workers`, or give the container more (`--shm-size`)"
        return Finding("memory", "error", f"{text}: {advice}")
    cpus = len(os.sched_getaffinity(0))
    if data.workers > cpus:
        return Finding("memory", "warning", f"{data.workers} workers on {cpus} CPUs; {text}")
    return Finding("memory", "ok", text)


def free_memory() -> int:
    """Bytes of memory that can be had."""
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def existing(folder: Path) -> Path:
    """The folder, or the one in which it will be made."""
    return next(
        place for place in (folder.absolute(), *folder.absolute().parents) if place.is_dir()
    )


def guarded(check: str, find: Callable[[], Finding], told: Callable[[Exception], str]) -> Finding:
    """A finding, or the error that kept it from being found."""
    try:
        return find()
    except Exception as error:  # whatever it is, the other checks go on
        return Finding(check, "error", told(error))
