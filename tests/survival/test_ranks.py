"""One, two and four processes with the same global batch learn the same."""

from collections.abc import Iterable
from pathlib import Path

import pytest
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from talkface.cli import main
from tests.survival.survivor import command, content

pytestmark = pytest.mark.slow

CLOSE = 0.03
"""Largest difference of what a network has learned, as a share of it (both as norms).

Sums in another order change the sign of gradients that are zero but for rounding, and the first
steps of Adam go by the sign.
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


def trained(prepared: Path, folder: Path, ranks: int) -> dict[str, Tensor]:
    """Weights and buffers after two epochs of one batch of four windows."""
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
    main(command(prepared, folder / "run", *given, *own))
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


def norm(tensors: Iterable[Tensor]) -> float:
    """Euclidean norm of all of them."""
    return float(torch.stack([x.double().square().sum() for x in tensors]).sum().sqrt())


def metrics(run: Path) -> dict[str, float]:
    """Validation after the last epoch; codes are standardised within a batch for the last one."""
    header, *rows = [line.split(",") for line in (run / "metrics.csv").read_text().splitlines()]
    last = dict(zip(header, rows[-1], strict=True))
    return {k: float(v) for k, v in last.items() if k.startswith("val/psnr")}
