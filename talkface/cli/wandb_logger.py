"""The W&B logger of a run: best and last values, settings of every part, and no failure."""

import json
import logging
import os
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from pytorch_lightning.loggers import WandbLogger
from pytorch_lightning.utilities import rank_zero_only

from talkface.cli.history import STEP
from talkface.cli.versions import code_version
from talkface.cli.wandb_rows import AXIS, Rows

log = logging.getLogger(__name__)

BEST = {
    "train/accuracy": "max",
    "train/*": "min",
    "val/psnr_*": "max",
    "val/ssim_*": "max",
    "val/*accuracy*": "max",
    "val/verification_*": "max",
    "val/auc_*": "max",
    "val/*loss*": "min",
}
"""Which value of a metric is the best; the first pattern counts. Others have a last value only."""

AGAIN = "_instantiator"
"""Marks the settings that Lightning logs of a model; the config has them below ``model``."""

KEPT = Path("wandb", "run.json")
"""Id and summary of the W&B run of a training, in its folder, for tests to be added to it."""


def best(key: str) -> str | None:
    """``max`` or ``min``; None for what is not to be judged, such as losses of adversaries."""
    return next((which for pattern, which in BEST.items() if fnmatchcase(key, pattern)), None)


class KeptRun(NamedTuple):
    """What is known of a W&B run that something is to be added to.

    Attributes:
        id: Its id.
        summary: Its summary. W&B replaces that of a run when another part of it is uploaded.
    """

    id: str
    summary: dict[str, Any]

    @classmethod
    def read(cls, file: Path) -> "KeptRun | None":
        """What a training has left; None if it was not kept by W&B."""
        try:
            tree = json.loads(file.read_text())
            return cls(str(tree["id"]), dict(tree["summary"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, file: Path) -> None:
        """Keep it; the file is replaced as a whole."""
        file.parent.mkdir(exist_ok=True)
        aside = file.with_suffix(".part")
        aside.write_text(json.dumps(self._asdict()))
        aside.replace(file)


class RunLogger(WandbLogger):
    """Lightning's W&B logger with best and last values in the summary, which ends no training.

    Metrics are defined by their full names when they come first: of several wildcards that match,
    W&B takes any, and Lightning has set one for all names.

    A training that goes on logs each row once: W&B keeps what came after the checkpoint, so that
    is not logged again, and gets what it lost in a kill, which ``metrics.csv`` still has.

    A test is added to the W&B run of its training. There, its settings go below ``test`` in the
    config, name, group and type of the run stay as they are, and so do the steps.

    Args:
        name: Name of the configs: one group for all their seeds, unless another group is given.
        command: What is run.
        kept: Where to keep the id and the summary; None for nowhere.
        before: The W&B run that this is added to; None for one of its own.
        earlier: Rows of the part of the training that this goes on with.
        options: More of Lightning's logger and of ``wandb.init``.
    """

    def __init__(
        self,
        name: str,
        command: str,
        kept: Path | None,
        before: KeptRun | None,
        earlier: Sequence[Mapping[str, str]] = (),
        **options: Any,
    ) -> None:
        seed = os.environ.get("PL_GLOBAL_SEED")
        full = name if seed is None else f"{name} seed {seed}"
        if before is None:
            group = options.get("group") or name
            options |= {"name": full, "group": group, "job_type": command}
        else:
            options["id"] = before.id
        super().__init__(**options)
        self._wandb_init.pop("anonymous", None)  # W&B warns of it, even where it is not used
        self._kept, self._before = kept, before
        self._part = "" if before is None or command == "fit" else command
        self._earlier = earlier
        self._rows = Rows()
        self._settings: dict[str, Any] = {}
        self._known: set[str] = set()
        self._failed = False

    @rank_zero_only
    def begin(self) -> None:
        """Start the run, and log the version of the code.

        Raises:
            Exception: Whatever keeps W&B from starting.
        """
        run = self.experiment
        if self._part:
            run.define_metric("*", overwrite=True)  # no step
        if self._before is not None:
            run.summary.update(self._before.summary)
            self._find_rows()
        self.log_hyperparams(code_version())
        self._keep()

    @rank_zero_only
    def finish(self) -> None:
        """End the run and write out what W&B holds back."""
        self._keep()
        with self._never_ending():
            self.experiment.finish()

    def _keep(self) -> None:
        with self._never_ending():
            if self._kept is not None:
                summary = {k: _plain(v) for k, v in dict(self.experiment.summary).items()}
                known = {k: v for k, v in summary.items() if k[0] != "_" and v is not None}
                KeptRun(self.experiment.id, known).write(self._kept)

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log values; the summary of a run has the best and the last of them.

        What a test finds is not bound to a step, so that those of the training stay the last ones.
        """
        if self._part:
            metrics, step = {key: metrics[key] for key in metrics if key != "epoch"}, None
        elif step is not None:
            self._complete(step)
            metrics = self._rows.new(metrics, step)
        if metrics:
            self._log(metrics, step)

    def _find_rows(self) -> None:
        """See what W&B has of this training."""
        if self._part or self._kept is None:
            return
        with self._never_ending():
            folder, run = self._kept.parent, self.experiment
            self._rows = Rows.read(folder, run.id, run.starting_step)

    def _complete(self, step: int) -> None:
        """Log rows of the earlier part, from before the checkpoint, that a kill took from W&B."""
        earlier, self._earlier = self._earlier, ()
        for row in earlier:
            at = int(row[STEP])
            values = {key: float(value) for key, value in row.items() if key != STEP}
            if at < step and (lost := self._rows.new(values, at)):
                self._log(lost, at)

    def _log(self, metrics: Mapping[str, Any], step: int | None) -> None:
        with self._never_ending():
            for key in metrics.keys() - self._known:
                if which := best(key):
                    self.experiment.define_metric(key, step_metric=AXIS, summary=f"{which},last")
                self._known.add(key)
            super().log_metrics(metrics, step)

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace) -> None:
        """Add to the config of the run."""
        settings = vars(params) if isinstance(params, Namespace) else dict(params)
        if AGAIN in settings:
            return
        self._settings |= settings
        with self._never_ending():
            super().log_hyperparams({self._part: self._settings} if self._part else settings)

    @contextmanager
    def _never_ending(self) -> Iterator[None]:
        """Whatever happens in W&B, training goes on."""
        try:
            yield
        except Exception as error:
            if not self._failed:
                log.warning("W&B does not take everything any more (%r).", error)
            self._failed = True


def _plain(value: Any) -> Any:
    """A number, or a dict of numbers, of a summary; None for pictures and the like."""
    if isinstance(value, int | float):
        return value
    tree = dict(value) if hasattr(value, "keys") else {}
    return tree if tree and all(isinstance(one, int | float) for one in tree.values()) else None
