"""The processes of a Ray cluster; needs the extra ``ray``.

All machines have the same version of talkface, and the folders under the same paths.
"""

import importlib
import logging
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import torch

from data_prep.corpora.raw import CorpusError
from data_prep.deadline import expendable
from data_prep.engines import ABRUPT, QUEUE
from data_prep.job import AnyUnit, Outcome
from data_prep.worker import Start

RETRIES = 5
"""How often Ray does a unit again whose process, or machine, was lost."""


@dataclass(frozen=True)
class RayEngine:
    """Processes of a cluster, one for every core, or for every share of a GPU.

    What a lost machine had to do is done again by others; machines that join are used.

    Attributes:
        address: Of the cluster, as ``ray start`` prints it; None takes the one that
            ``RAY_ADDRESS`` names, or starts one on this machine.
        gpus: GPUs, or which part of one, that a process needs.
    """

    address: str | None = None
    gpus: float = 0.0

    def outcomes(self, start: Start[AnyUnit], units: Sequence[AnyUnit]) -> Iterator[Outcome]:
        """Outcomes of all units as they come; Ray is left again at the end."""
        ray = _ray()
        mine = not ray.is_initialized()
        if mine:
            self._join(ray)
        try:
            yield from self._collect(ray, start, units)
        finally:
            if mine:
                ray.shutdown()

    def _join(self, ray: Any) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        options = {"address": self.address} if self.address else {"include_dashboard": False}
        try:
            ray.init(**options, logging_level=logging.WARNING, log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise CorpusError(
                f"No Ray cluster at {self.address or 'this machine'} ({error}). Start one with "
                "`ray start --head` and give the address that it prints with `--address`."
            ) from error

    def _collect(
        self, ray: Any, start: Start[AnyUnit], units: Sequence[AnyUnit]
    ) -> Iterator[Outcome]:
        task = ray.remote(_work).options(num_cpus=1, num_gpus=self.gpus, max_retries=RETRIES)
        shared, token, folder = ray.put(start), uuid4().hex, Path.cwd()
        queue, pending = deque(units), dict[Any, AnyUnit]()
        while queue or pending:
            cores = int(ray.cluster_resources().get("CPU", 1))  # machines come and go
            while queue and len(pending) < QUEUE * max(cores, 1):
                unit = queue.popleft()
                pending[task.remote(shared, token, folder, unit)] = unit
            for done in ray.wait(list(pending), timeout=10)[0]:
                unit = pending.pop(done)
                try:
                    yield ray.get(done)
                except ray.exceptions.RayTaskError as error:
                    raise error.cause from None
                except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError):
                    yield Outcome(unit.id, reason=ABRUPT)
                except (ray.exceptions.NodeDiedError, ray.exceptions.ObjectLostError):
                    queue.append(unit)


def _ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise CorpusError(
            "`--engine ray` needs Ray, which is not installed: `pip install 'talkface[ray]'`."
        ) from error


def _work(start: Start[Any], token: str, folder: Path, unit: Any) -> Outcome:
    """Do one unit, in a process of the cluster that keeps its worker for the next."""
    if token not in _workers:
        with suppress(OSError):  # relative paths need it, others do not
            os.chdir(folder)
        torch.set_num_threads(1)
        _workers.clear()
        expendable(Path(os.devnull))
        _workers[token] = start()
    return _workers[token](unit)


_workers: dict[str, Callable[[Any], Outcome]] = {}
