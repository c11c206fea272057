import importlib
import pkgutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, distributed
from torch.multiprocessing.spawn import start_processes
from torchmetrics import Metric

import talkface.metrics
from talkface.metrics.cpbd import CPBD
from talkface.metrics.holes import Holes
from talkface.metrics.image import FramePSNR, FrameSSIM
from talkface.metrics.landmarks import LandmarkDistance
from talkface.metrics.likeness import IdentitySimilarity
from talkface.metrics.mean import Mean
from talkface.metrics.opening import MotionAgreement
from talkface.metrics.sync import LipSyncError
from talkface.metrics.temporal import Flicker, Jitter
from talkface.metrics.verification import FaceVerification

Update = tuple[Tensor, ...]
Results = dict[tuple[str, str], list[Tensor]]

SHARES = {
    "a short last batch": ((0, 2), (1, 3)),
    "twice as much": ((0, 1), (2,)),
    "nothing": ((0, 1, 2, 3), ()),
}
"""Which of the four updates of a metric each of two processes makes."""

LENGTHS = (5, 5, 5, 3)


class Case(NamedTuple):
    """A metric and what one update with so many frames, or pictures, gives to it."""

    make: Callable[[], Metric]
    update: Callable[[torch.Generator, int], Update]


def frames(rng: torch.Generator, count: int) -> Update:
    truth = torch.rand(count, 3, 64, 64, generator=rng).round(decimals=1)
    preds = truth + 0.2 * torch.rand(count, 3, 64, 64, generator=rng)
    preds[0] = truth[0]
    return preds.clamp(0, 1), truth


def pictures(rng: torch.Generator, count: int) -> Update:
    return frames(rng, count)[:1]


def landmarks(rng: torch.Generator, count: int) -> Update:
    truth = 64 * torch.rand(count, 68, 2, generator=rng)
    truth[0, :50] = torch.nan
    return truth + torch.randn(truth.shape, generator=rng), truth


def places(rng: torch.Generator, count: int) -> Update:
    return landmarks(rng, count)[:1]


def motion(rng: torch.Generator, count: int) -> Update:
    preds, target = torch.rand(2, count, generator=rng)
    return preds, target, torch.arange(count) > 0


def codes(rng: torch.Generator, count: int) -> Update:
    video, audio = torch.rand(2, count, 8, generator=rng)
    return video, audio


def people(rng: torch.Generator, count: int) -> Update:
    """Five pictures of each person, whom one batch holds."""
    person = torch.randint(3, (1,), generator=rng).expand(5)
    return torch.rand(5, 8, generator=rng), person


CASES = {
    "FramePSNR": Case(FramePSNR, frames),
    "FrameSSIM": Case(FrameSSIM, frames),
    "CPBD": Case(CPBD, pictures),
    "Holes": Case(Holes, frames),
    "Flicker": Case(Flicker, frames),
    "LandmarkDistance": Case(LandmarkDistance, landmarks),
    "Jitter": Case(Jitter, places),
    "MotionAgreement": Case(lambda: MotionAgreement(lags=2), motion),
    "IdentitySimilarity": Case(IdentitySimilarity, codes),
    "FaceVerification": Case(lambda: FaceVerification(pairs=20), people),
    "LipSyncError": Case(lambda: LipSyncError(shift=2), codes),
}
"""Every metric; a new one is a line here."""

TRIED = [
    (name, share)
    for name in CASES
    for share in SHARES
    # torchmetrics cannot gather a state that is a list from a process that has none of it.
    if (name, share) != ("FaceVerification", "nothing")
]


def updates(case: Case) -> list[Update]:
    rng = torch.Generator().manual_seed(0)
    return [case.update(rng, count) for count in LENGTHS]


def measured(case: Case, share: tuple[int, ...]) -> list[Tensor]:
    """Figures and counts, after the shares of all processes were put together."""
    metric = case.make()
    every = updates(case)
    for index in share:
        metric.update(*every[index])
    result = metric.compute()
    figures = [result] if isinstance(result, Tensor) else list(result)
    with metric.sync_context():
        return [*figures, metric.left_out.clone()] if isinstance(metric, Mean) else figures


def work(rank: int, folder: Path) -> None:
    """What one of two processes does."""
    torch.set_num_threads(1)
    meeting, patience = (folder / "meeting").as_uri(), timedelta(seconds=60)
    distributed.init_process_group("gloo", meeting, patience, rank=rank, world_size=2)
    results = {(name, share): measured(CASES[name], SHARES[share][rank]) for name, share in TRIED}
    distributed.destroy_process_group()
    torch.save(results, folder / f"{rank}.pt")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Results]:
    """What both processes found; forked, since to import everything again takes far longer."""
    folder = tmp_path_factory.mktemp("ranks")
    start_processes(work, (folder,), nprocs=2, start_method="fork")
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]


@pytest.mark.parametrize(("name", "share"), TRIED)
def test_two_processes_find_what_one_finds(found: list[Results], name: str, share: str) -> None:
    first, second = SHARES[share]
    expected = measured(CASES[name], tuple(sorted(first + second)))
    assert not expected[0].isnan().any()
    for results in found:
        torch.testing.assert_close(results[name, share], expected, equal_nan=True)


def test_no_metric_is_forgotten() -> None:
    modules = [
        importlib.import_module(f"talkface.metrics.{module.name}")
        for module in pkgutil.iter_modules(talkface.metrics.__path__)
    ]
    defined = {
        name
        for module in modules
        for name, each in vars(module).items()
        if isinstance(each, type)
        and issubclass(each, Metric)
        and each.__module__ == module.__name__
    }
    assert defined - {"Mean"} == set(CASES)
