"""One, two and four processes with the same global batch learn the same."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from talkface.cli import main
from talkface.data.mfcc import Mfcc
from talkface.optim import LazyAdam
from tests.survival.survivor import command, content

pytestmark = pytest.mark.slow

CLOSE = 0.03
"""Largest difference of what a network has learned, as a share of it (both as norms).

Sums in another order change the sign of gradients that are zero but for rounding, and the first
steps of Adam go by the sign. That nothing else differs is tested in 64 bits, below.
"""


class Own(Callback):
    """Writes down what each process ends with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write what is begun with."""
        torch.save(pl_module.state_dict(), self.folder / f"begin{trainer.global_rank}.pt")

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write weights and buffers."""
        torch.save(pl_module.state_dict(), self.folder / f"rank{trainer.global_rank}.pt")


def trained(prepared: Path, folder: Path, ranks: int, *more: str) -> dict[str, Tensor]:
    """Weights and buffers after two epochs of two batches of four windows."""
    folder.mkdir()
    options = {
        "trainer.devices": ranks,
        "trainer.strategy": "ddp_fork_find_unused_parameters_true" if ranks > 1 else "auto",
        "data.batch_size": 4 // ranks,
        "data.windows_per_clip": 2,
        "trainer.max_epochs": 2,
        "trainer.limit_val_batches": 1.0,
    }
    given = [f"--{name}={value}" for name, value in options.items()]
    own = [
        "--trainer.callbacks+=tests.survival.test_ranks.Own",
        f"--trainer.callbacks.folder={folder}",
    ]
    main(command(prepared, folder / "run", *given, *own, *more))
    states = [torch.load(folder / f"rank{rank}.pt") for rank in range(ranks)]
    for other in states[1:]:
        assert all(torch.equal(other[name], value) for name, value in states[0].items())
    return dict(states[0])


@pytest.fixture(scope="module")
def one(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Tensor], Path]:
    folder = tmp_path_factory.mktemp("ranks") / "one"
    return trained(prepared, folder, 1), folder


@pytest.mark.parametrize("ranks", [2, 4])
def test_processes_learn_what_one_learns(
    prepared: Path, one: tuple[dict[str, Tensor], Path], tmp_path: Path, ranks: int
) -> None:
    expected, folder = one
    found = trained(prepared, tmp_path / "more", ranks)
    assert content(tmp_path / "more/run")["talkface_steps"] == 4
    begun = torch.load(folder / "begin0.pt")
    for network in {name.rpartition(".")[0].split(".")[0] for name in expected} - {""}:
        names = [n for n in expected if n.startswith(network) and expected[n].is_floating_point()]
        learned = norm(expected[n] - begun[n] for n in names)
        assert norm(found[n] - expected[n] for n in names) < CLOSE * learned, network
    assert metrics(tmp_path / "more/run") == pytest.approx(metrics(folder / "run"), rel=1e-3)


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything in 64 bits, without Adam, whose first steps go by the sign of rounding errors."""
    float_, per_frame = Tensor.float, Mfcc.per_frame

    def in_32_bits(mfcc: Mfcc, *args: Any, **kwargs: Any) -> Tensor:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Tensor, "float", float_)
            return per_frame(mfcc, *args, **kwargs)

    def descent(_: LazyAdam, parameters: Any, every: int | None = None) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, lr=1e-3)

    monkeypatch.setattr(Tensor, "float", Tensor.double)
    monkeypatch.setattr(Mfcc, "per_frame", in_32_bits)
    monkeypatch.setattr(LazyAdam, "build", descent)


@pytest.mark.usefixtures("exact")
def test_in_64_bits_processes_lose_what_one_loses(prepared: Path, tmp_path: Path) -> None:
    given = ["--trainer.precision=64-true", "--data.augment=null"]
    for ranks in (1, 2, 4):
        trained(prepared, tmp_path / str(ranks), ranks, *given)
    one, *others = (history(tmp_path / str(ranks) / "run") for ranks in (1, 2, 4))
    assert len(one) >= 4
    for more in others:
        for row, other in zip(one, more, strict=True):
            assert other == pytest.approx(row, rel=1e-10)
    assert {"adversary/r1", "train/path_length", "train/words"} <= one[-2].keys()


def history(run: Path) -> list[dict[str, float]]:
    """What was logged, row by row."""
    with (run / "metrics.csv").open() as file:
        return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]


def norm(tensors: Iterable[Tensor]) -> float:
    """Euclidean norm of all of them."""
    return float(torch.stack([x.double().square().sum() for x in tensors]).sum().sqrt())


def metrics(run: Path) -> dict[str, float]:
    """Validation after the last epoch, but for what standardises codes within a batch."""
    return {k: v for k, v in history(run)[-1].items() if k.startswith("val/psnr")}
