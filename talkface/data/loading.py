"""What the data modules share: checks of numbers, loaders, images on the device."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from jaxtyping import Float, UInt8
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

Sample = TypeVar("Sample")


def check_least(**numbers: tuple[int, int]) -> None:
    """Check numbers of a data module, each given with the least that it may be.

    Raises:
        ValueError: If one is smaller; the message names it as a config does.
    """
    for name, (value, minimum) in numbers.items():
        if value < minimum:
            raise ValueError(f"`data.{name}` is {value}; use at least {minimum}.")


def loader(
    dataset: Dataset[Sample],
    batch_size: int,
    workers: int,
    collate: Callable[[list[Sample]], Sample] = default_collate,
    **options: Any,
) -> DataLoader[Sample]:
    """A loader whose ``workers`` processes live as long as it does."""
    return DataLoader(
        dataset,
        batch_size=batch_size,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available(),
        collate_fn=collate,
        **options,
    )


def place(data: LightningDataModule) -> tuple[int, int, int]:
    """Number of processes, this one, and the epoch, as the trainer knows them if there is one."""
    trainer = data.trainer
    if trainer is None:
        return 1, 0, 0
    return trainer.world_size, trainer.global_rank, trainer.current_epoch


def is_training(data: LightningDataModule) -> bool:
    """Whether a trainer is running training steps."""
    return data.trainer is not None and data.trainer.training


def normalised(
    images: UInt8[Tensor, "*b 3 h w"] | Float[Tensor, "*b 3 h w"],
) -> Float[Tensor, "*b 3 h w"]:
    """Images as networks see them, in [-1, 1]; those in floating point are left alone."""
    return images if images.is_floating_point() else images.float() / 127.5 - 1
