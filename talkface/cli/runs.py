"""Where a run is kept: its folder, its name, its loggers."""

import itertools
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import wandb
from pytorch_lightning.loggers import Logger

from talkface.cli.history import NAME, HistoryLogger, read_rows
from talkface.cli.wandb_logger import KEPT, KeptRun, RunLogger

log = logging.getLogger(__name__)

RUNS = Path("runs")
CONFIG_NAME = "config.yaml"
START_SECONDS = 30.0
"""How long W&B may take to answer before the run is kept offline."""


class RunFolderError(OSError):
    """The folder of a run cannot be made."""

    def __init__(self, folder: Path, error: OSError) -> None:
        super().__init__(
            f"Cannot write the run into {folder} ({error.strerror or error}). "
            "Set --trainer.default_root_dir to a folder that can be written."
        )


Mode = Literal["auto", "online", "offline", "disabled"]
ENVIRONMENT_MODES: dict[str, Mode] = {
    "offline": "offline",
    "dryrun": "offline",
    "disabled": "disabled",
}


@dataclass(frozen=True)
class Wandb:
    """How Weights & Biases keeps the run, beside the CSV file that is always written.

    Args:
        project: Project of the run.
        entity: User or team; your default one when null.
        group: Runs of one group are shown as one line; that of all seeds of the same configs when
            null.
        tags: Words to filter runs by.
        mode: ``auto`` is online with an API key and offline without one; ``disabled`` leaves W&B
            out. The variable ``WANDB_MODE`` wins over ``auto``.
    """

    project: str = "talkface"
    entity: str | None = None
    group: str | None = None
    tags: list[str] = field(default_factory=list)
    mode: Mode = "auto"


def run_name(configs: Sequence[Path]) -> str:
    """Name of a run after its configs: ``lrw.yaml`` and ``no_sync.yaml`` make ``lrw+no_sync``.

    The saved config of an earlier run stands for that run.
    """
    names = (path.parent.name if path.name == CONFIG_NAME else path.stem for path in configs)
    return "+".join(names) or "run"


def run_folder(name: str, command: str, checkpoint: Path | None) -> Path:
    """A folder for a run that was not given one.

    Training goes to ``runs/NAME``; every other command to a folder of its own name inside the
    run whose checkpoint it reads. A folder in use is left alone: ``runs/NAME-2`` follows.
    """
    if command == "fit":
        return _unused(RUNS / name)
    return _unused((run_of(checkpoint) or RUNS / name) / command)


def latest_folder(name: str, configs: Sequence[Path]) -> Path:
    """The folder in which training of a name was last begun, or will be begun.

    The saved config of a run stands for that run.
    """
    if configs and configs[-1].name == CONFIG_NAME:
        return configs[-1].parent
    folders = _numbered(RUNS / name)
    used = list(itertools.takewhile(lambda folder: (folder / CONFIG_NAME).exists(), folders))
    return used[-1] if used else RUNS / name


def run_of(checkpoint: Path | None) -> Path | None:
    """The folder of the run that a checkpoint belongs to."""
    parents = checkpoint.parents[:2] if checkpoint else ()
    return next((folder for folder in parents if (folder / CONFIG_NAME).is_file()), None)


def make_folder(folder: Path) -> Path:
    """Create the folder of a run.

    Raises:
        RunFolderError: If that is not possible.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(folder, error) from error
    return folder


def make_loggers(
    folder: Path,
    name: str,
    settings: Wandb,
    command: str = "fit",
    checkpoint: Path | None = None,
) -> list[Logger]:
    """A CSV file, always and first, and W&B where it can be started.

    Args:
        folder: Folder of the run.
        name: Its name.
        settings: How W&B keeps it.
        command: What is run; ``predict`` measures nothing and is not worth a W&B run.
        checkpoint: What it begins with.
    """
    loggers: list[Logger] = [HistoryLogger(folder)]
    if command == "predict":
        return loggers
    board = start_wandb(folder, name, settings, command, checkpoint)
    return [*loggers, board] if board else loggers


def start_wandb(
    folder: Path,
    name: str,
    settings: Wandb,
    command: str = "fit",
    checkpoint: Path | None = None,
) -> RunLogger | None:
    """Start W&B without ever asking for a key; what cannot go online stays offline.

    Returns:
        The started logger, or nothing if W&B is switched off or does not start.
    """
    mode = choose_mode(settings)
    if mode == "disabled":
        return None
    kept, before = kept_run(folder, command, checkpoint)
    earlier = read_rows(folder / NAME) if before and command == "fit" else []
    for attempt in dict.fromkeys((mode, "offline")):
        try:
            logger = RunLogger(
                name,
                command,
                kept,
                before,
                earlier,
                save_dir=folder.absolute(),  # W&B writes from a process whose folder is another
                project=settings.project,
                entity=settings.entity,
                group=settings.group,
                tags=settings.tags or None,
                mode=attempt,
                settings=wandb.Settings(init_timeout=START_SECONDS, quiet=True),
            )
            logger.begin()
        except Exception as error:  # whatever happens in there, training goes on
            log.warning("W&B did not start %s (%s).", attempt, _first_line(error))
        else:
            return logger
    log.warning("Metrics are kept in %s only.", folder / "metrics.csv")
    return None


def kept_run(
    folder: Path, command: str, checkpoint: Path | None
) -> tuple[Path | None, KeptRun | None]:
    """Where a run keeps what it is to W&B, and what it was when it is gone on with or tested."""
    trained = run_of(checkpoint)
    if command == "fit":
        goes_on = trained is not None and trained.resolve() == folder.resolve()
        return folder / KEPT, KeptRun.read(folder / KEPT) if goes_on else None
    before = KeptRun.read(trained / KEPT) if trained and command == "test" else None
    return (trained / KEPT, before) if trained and before else (None, None)


def stop_wandb(loggers: Sequence[Logger]) -> None:
    """End the W&B run, if one of ``loggers`` keeps it."""
    for logger in loggers:
        if isinstance(logger, RunLogger):
            logger.finish()


def choose_mode(settings: Wandb) -> str:
    """The W&B mode to start in: what was asked for, but online only where there is a key."""
    mode = settings.mode
    if mode == "auto":
        mode = ENVIRONMENT_MODES.get(os.environ.get("WANDB_MODE", "online"), "online")
    if mode == "online" and not _has_key():
        log.info("No W&B key: the run is kept offline; `wandb sync` uploads it later.")
        return "offline"
    return mode


def _has_key() -> bool:
    try:
        return wandb.login(prompt=False, verify=False)
    except Exception as error:  # a broken key file must not end a training
        log.warning("W&B cannot read its key (%s).", _first_line(error))
        return False


def _unused(folder: Path) -> Path:
    return next(path for path in _numbered(folder) if not (path / CONFIG_NAME).exists())


def _numbered(folder: Path) -> Iterator[Path]:
    """The folder, and others with a number behind its name."""
    names = itertools.chain([folder.name], (f"{folder.name}-{n}" for n in itertools.count(2)))
    return (folder.with_name(name) for name in names)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
