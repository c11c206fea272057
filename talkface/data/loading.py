"""What the data modules share: checks of numbers, loaders, images on the device."""

from collections.abc import Callable, Iterator, Sized
from contextlib import suppress
from multiprocessing.connection import wait
from typing import Any, Protocol, TypeVar, cast, runtime_checkable

import torch
from jaxtyping import Float, UInt8
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler, default_collate

from talkface.data.health import worker_error
from talkface.data.workers import leave_signals_to_the_training
from talkface.draws import generator

Sample = TypeVar("Sample")
Sample_co = TypeVar("Sample_co", covariant=True)

TIMEOUT = 300
"""Seconds to wait for a batch."""


@runtime_checkable
class Epochs(Protocol):
    """A dataset that draws anew in every epoch."""

    def set_epoch(self, epoch: int) -> None:
        """Draw other samples from now on, in running workers too."""
        ...


@runtime_checkable
class Watched(Protocol):
    """A dataset that knows what its workers are doing."""

    def busy(self, workers: int) -> dict[int, str]:
        """Names of what is being read, by worker."""
        ...


class EpochSampler(DistributedSampler[Any]):
    """Shuffle, share among processes, and tell the dataset which epoch it is.

    The order depends on ``(seed, epoch)`` alone. Processes get shares of one size, none of it
    twice: up to ``replicas - 1`` samples rest in an epoch, others in every epoch. One process with
    a batch ``replicas`` times as large would have the same batches, each the batches of all
    processes one after the other. Lightning calls ``set_epoch`` before every epoch, and leaves a
    sampler of this type in place.

    Args:
        dataset: The dataset.
        replicas: Number of processes.
        rank: This process.
        seed: Start of the shuffling.
        batch: Samples per batch and process.
    """

    def __init__(
        self, dataset: Dataset[Any], replicas: int, rank: int, seed: int, batch: int = 1
    ) -> None:
        enough = len(cast(Sized, dataset)) >= replicas
        super().__init__(dataset, replicas, rank, shuffle=True, seed=seed, drop_last=enough)
        self.start, self.batch = 0, batch

    def set_epoch(self, epoch: int) -> None:
        """Another order and other samples."""
        super().set_epoch(epoch)
        if isinstance(self.dataset, Epochs):
            self.dataset.set_epoch(epoch)

    def __iter__(self) -> Iterator[int]:
        """Places of this process in the order of the epoch, once without the first ``start``."""
        start, self.start = self.start, 0
        return iter(self._share().tolist()[start:])

    def _share(self) -> Tensor:
        rng = torch.Generator().manual_seed(self.seed + self.epoch)
        order = torch.randperm(len(cast(Sized, self.dataset)), generator=rng)
        order = order.repeat(-(-self.total_size // len(order)))[: self.total_size]
        batches = order.split(self.num_replicas * self.batch)
        return torch.cat([batch.chunk(self.num_replicas)[self.rank] for batch in batches])


class OnceSampler(DistributedSampler[Any]):
    """Every sample once, in its order; shares of processes differ by one sample at most.

    Lightning's repeats some, so that shares are of one size, and what is averaged counts them
    twice. Validation and test need no shares of one size, but each process needs a sample.

    Args:
        dataset: The dataset.
        replicas: Number of processes, at most the number of samples.
        rank: This process.
    """

    def __init__(self, dataset: Dataset[Any], replicas: int, rank: int) -> None:
        super().__init__(dataset, replicas, rank, shuffle=False)
        self.share = range(rank, len(cast(Sized, dataset)), replicas)
        self.num_samples = len(self.share)

    def __iter__(self) -> Iterator[int]:
        """Places of this process."""
        return iter(self.share)


def once(data: LightningDataModule, dataset: Dataset[Any]) -> OnceSampler | None:
    """Share a dataset among the processes of a trainer; None leaves that to Lightning."""
    replicas, rank, _ = place(data)
    several = 1 < replicas <= len(cast(Sized, dataset))
    return OnceSampler(dataset, replicas, rank) if several else None


class Loader(DataLoader[Sample]):
    """A ``DataLoader`` that says which worker died or hangs, and goes on within an epoch.

    Lightning stores its state in checkpoints, and gives it back before the first batch.
    """

    _batches = 0
    _resumed: dict[str, int] | None = None

    def __iter__(self) -> Iterator[Sample]:  # type: ignore[override]
        """Batches of the epoch, or those that a resumed one still lacks."""
        return _Batches(self)

    def begin(self) -> Iterator[Sample]:
        """Start reading the epoch that the sampler is at."""
        self._batches = self._continued()
        if isinstance(self.sampler, EpochSampler):
            self.sampler.start = self._batches * (self.batch_size or 1)
        return super().__iter__()

    def count(self) -> None:
        """One more batch has been given out."""
        self._batches += 1

    def state_dict(self) -> dict[str, int]:
        """The epoch, and how many of its batches have been given out."""
        return {"epoch": self._epoch(), "batches": self._batches}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Leave out the batches that were given out before, should the same epoch come next."""
        self._resumed = state

    def _continued(self) -> int:
        state, self._resumed = self._resumed, None
        if state is None or state["epoch"] != self._epoch() or state["batches"] >= len(self):
            return 0
        return state["batches"]

    def _epoch(self) -> int:
        return self.sampler.epoch if isinstance(self.sampler, EpochSampler) else 0


class _Batches(Iterator[Sample]):
    """Counts batches, and explains why there are no more.

    Reading starts with the first batch: Lightning asks for an iterator before it knows the epoch.
    """

    def __init__(self, loader: Loader[Sample]) -> None:
        self.loader = loader
        self.inner: Iterator[Sample] | None = None

    def __next__(self) -> Sample:
        try:
            self.inner = self.inner or self.loader.begin()
            batch = next(self.inner)
        except (RuntimeError, EOFError, ConnectionError) as error:
            exits = self._exits()
            gave_up = str(error).startswith(("DataLoader worker (pid", "DataLoader timed out"))
            if not gave_up and not any(exits.values()):
                raise
            raise worker_error(error, exits, self._busy(), self.loader.timeout) from error
        self.loader.count()
        return batch

    def _busy(self) -> dict[int, str]:
        dataset = self.loader.dataset
        return dataset.busy(self.loader.num_workers) if isinstance(dataset, Watched) else {}

    def _exits(self) -> dict[int, int | None]:
        """Exit status by worker, None while it lives; one that is ending has a moment for it."""
        processes = getattr(self.inner, "_workers", [])
        with suppress(RuntimeError):  # torch raises wherever the signal of a dead child finds us
            ended = wait([process.sentinel for process in processes], timeout=1)
            for process in processes:
                process.join(1 if process.sentinel in ended else 0)
        return {number: process.exitcode for number, process in enumerate(processes)}


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
    timeout: int = TIMEOUT,
    **options: Any,
) -> Loader[Sample]:
    """A loader whose ``workers`` processes live as long as it does.

    Args:
        dataset: What to load.
        batch_size: Samples per batch.
        workers: Processes; 0 loads in this one.
        collate: Makes a batch.
        timeout: Seconds to wait for a batch of the workers; 0 for ever.
        options: Others of ``DataLoader``.
    """
    return Loader(
        dataset,
        batch_size=batch_size,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available(),
        collate_fn=collate,
        timeout=timeout if workers else 0,
        worker_init_fn=leave_signals_to_the_training,
        **options,
    )


def place(data: LightningDataModule) -> tuple[int, int, int]:
    """Number of processes, this one, and the epoch, as the trainer knows them if there is one."""
    trainer = data.trainer
    if trainer is None:
        return 1, 0, 0
    return trainer.world_size, trainer.global_rank, trainer.current_epoch


def step_rng(data: LightningDataModule) -> torch.Generator:
    """Random numbers of the coming training step, the same for all processes."""
    seed, trainer = int(getattr(data, "seed", 0)), data.trainer
    done = 0 if trainer is None else trainer.fit_loop.epoch_loop.batch_progress.total.ready
    return generator(seed, done)


def is_training(data: LightningDataModule) -> bool:
    """Whether a trainer is running training steps."""
    return data.trainer is not None and data.trainer.training


def normalised(
    images: UInt8[Tensor, "*b 3 h w"] | Float[Tensor, "*b 3 h w"],
) -> Float[Tensor, "*b 3 h w"]:
    """Images as networks see them, in [-1, 1]; those in floating point are left alone."""
    return images if images.is_floating_point() else images.float() / 127.5 - 1
