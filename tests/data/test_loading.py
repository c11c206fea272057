import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor, nn
from torch.utils.data import Dataset

from talkface.data.datamodule import TalkFaceData
from talkface.data.health import WorkerError
from talkface.data.loading import EpochSampler, OnceSampler, loader
from talkface.data.windows import WindowDataset
from talkface.types import Window


class Numbers(Dataset[Any]):
    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> int:
        return index


class Fatal(Numbers):
    """Its third sample kills who reads it, as the kernel does when memory runs out."""

    def __getitem__(self, index: int) -> int:
        if index == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return index

    def busy(self, workers: int) -> dict[int, str]:
        return {0: "s1/two"}


class Diary(pl.LightningModule):
    """Writes down the windows that it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1)
        self.seen: list[tuple[tuple[str, ...], float]] = []

    def training_step(self, window: Window, index: int) -> Tensor:
        self.seen.append((tuple(window.clip), float(window.frames.sum())))
        loss: Tensor = self.layer(window.frames.mean().view(1, 1)).sum()
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.0)


def fit(root: Path, folder: Path, checkpoint: Path | None = None, **options: Any) -> Diary:
    """Two epochs of four batches; a checkpoint after every one."""
    model = Diary()
    data = TalkFaceData(root, frames=6, batch_size=2, workers=1, windows_per_clip=2)
    keep = ModelCheckpoint(folder, "{step}", save_top_k=-1, every_n_train_steps=1)
    trainer = pl.Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        logger=False,
        callbacks=[keep],
        max_epochs=2,
        limit_val_batches=0,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model, data, ckpt_path=checkpoint, **options)
    return model


def test_processes_share_an_epoch_without_overlap() -> None:
    for count in (16, 17):
        shares = [EpochSampler(Numbers(count), 2, rank, seed=5) for rank in range(2)]
        orders = set()
        for epoch in range(3):
            for share in shares:
                share.set_epoch(epoch)
            seen = [*shares[0], *shares[1]]
            assert len(set(seen)) == len(seen) == 16
            assert [len(share) for share in shares] == [8, 8]
            orders.add(tuple(seen))
        assert len(orders) == 3


def test_the_order_is_that_of_seed_epoch_and_rank() -> None:
    one, other = (EpochSampler(Numbers(50), 2, 1, seed=3) for _ in range(2))
    other.set_epoch(4)
    list(other)
    for sampler in (one, other):
        sampler.set_epoch(2)
    assert list(one) == list(other)
    assert list(EpochSampler(Numbers(50), 2, 1, seed=4)) != list(
        EpochSampler(Numbers(50), 2, 1, seed=3)
    )


def test_a_loader_goes_on_where_it_was(prepared: Path) -> None:
    def loaded() -> Any:
        numbers = Numbers(11)
        sampler = EpochSampler(numbers, 1, 0, seed=1)
        sampler.set_epoch(3)
        return loader(numbers, 2, 0, sampler=sampler)

    first = loaded()
    whole = [batch.tolist() for batch in first]
    running = iter(first)
    for _ in range(2):
        next(running)
    second = loaded()
    second.load_state_dict(first.state_dict())
    assert len(second) == 6
    assert [batch.tolist() for batch in second] == whole[2:]
    assert second.state_dict() == {"epoch": 3, "batches": 6}
    assert [batch.tolist() for batch in second] == whole


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_run_resumed_anywhere_sees_what_an_undisturbed_one_sees(
    prepared: Path, tmp_path: Path
) -> None:
    undisturbed = fit(prepared, tmp_path / "whole").seen
    assert len(undisturbed) == 8
    for done in (1, 3, 4):
        resumed = fit(prepared, tmp_path / str(done), tmp_path / "whole" / f"step={done}.ckpt")
        assert resumed.seen == undisturbed[done:], done


class Told(Numbers):
    """Signals who reads it, as a scheduler does that ends all processes of a job."""

    def __getitem__(self, index: int) -> int:
        if index == 1:
            os.kill(os.getpid(), signal.SIGUSR1)
            os.kill(os.getpid(), signal.SIGTERM)
        return index


def test_a_worker_that_is_told_to_end_with_its_training_loads_on() -> None:
    batches = iter(loader(Told(6), 1, workers=1))
    assert [int(batch) for batch in batches] == list(range(6))


def test_a_worker_that_hangs_can_be_ended() -> None:
    batches = iter(loader(Numbers(6), 1, workers=1))
    next(batches)
    (worker,) = batches.inner._workers  # type: ignore[attr-defined]
    worker.terminate()
    worker.join(0.5)
    assert worker.is_alive()
    worker.terminate()
    with suppress(RuntimeError):  # torch raises wherever the signal of a dead child finds us
        worker.join(10)
    worker.join(10)
    assert worker.exitcode == 1


def test_a_worker_that_dies_is_named() -> None:
    with pytest.raises(WorkerError, match=r"signal 9.*'s1/two'.*fewer `data\.workers`"):
        list(loader(Fatal(8), 1, 1))


@pytest.mark.slow
def test_a_worker_that_hangs_is_named_with_its_clip(prepared: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(prepared, tmp_path / "hangs"))
    images = root / "clips" / "s0" / "clip2.jpgs"
    images.unlink()
    os.mkfifo(images)  # opens only when somebody writes
    data = TalkFaceData(root, batch_size=1, workers=1, timeout=2)
    data.setup("fit")
    with pytest.raises(WorkerError, match=r"No batch for 2 s.*clip 's0/clip2'.*data\.timeout"):
        list(data.train_dataloader())
    os.close(os.open(images, os.O_RDWR))


def test_a_dataset_follows_its_sampler(prepared: Path) -> None:
    windows = WindowDataset(prepared, "train")
    EpochSampler(windows, 1, 0, 0).set_epoch(6)
    assert windows.epoch == 6


@pytest.mark.parametrize("count", [4, 5, 6, 7, 8])
@pytest.mark.parametrize("replicas", [1, 2, 4])
def test_validation_and_test_see_every_sample_in_one_process_only(
    count: int, replicas: int
) -> None:
    samplers = [OnceSampler(Numbers(count), replicas, rank) for rank in range(replicas)]
    shares = [list(sampler) for sampler in samplers]
    assert sorted(index for share in shares for index in share) == list(range(count))
    assert [len(sampler) for sampler in samplers] == [len(share) for share in shares]
    assert {len(share) for share in shares} <= {count // replicas, -(-count // replicas)}
