"""Where a run is kept: its folder, its name, its loggers."""

import itertools
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import wandb
from pytorch_lightning.loggers import CSVLogger, Logger, WandbLogger

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
        group: Runs of one group are shown as one line.
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
    parents = checkpoint.parents[:2] if checkpoint else ()
    run = next((folder for folder in parents if (folder / CONFIG_NAME).is_file()), RUNS / name)
    return _unused(run / command)


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


def make_loggers(folder: Path, name: str, settings: Wandb) -> list[Logger]:
    """A CSV file, always and first, and W&B where it can be started."""
    loggers: list[Logger] = [CSVLogger(folder, name="", version="")]
    board = start_wandb(folder, name, settings)
    return [*loggers, board] if board else loggers


def start_wandb(folder: Path, name: str, settings: Wandb) -> WandbLogger | None:
    """Start W&B without ever asking for a key; what cannot go online stays offline.

    Returns:
        The started logger, or nothing if W&B is switched off or does not start.
    """
    mode = choose_mode(settings)
    if mode == "disabled":
        return None
    for attempt in dict.fromkeys((mode, "offline")):
        try:
            logger = WandbLogger(
                name=name,
                save_dir=folder,
                project=settings.project,
                entity=settings.entity,
                group=settings.group,
                tags=settings.tags,
                mode=attempt,
                settings=wandb.Settings(init_timeout=START_SECONDS, quiet=True),
            )
            _ = logger.experiment  # starts it, on the first process only
        except Exception as error:  # whatever happens in there, training goes on
            log.warning("W&B did not start %s (%s).", attempt, _first_line(error))
        else:
            return logger
    log.warning("Metrics are kept in %s only.", folder / "metrics.csv")
    return None


def stop_wandb(loggers: Sequence[Logger]) -> None:
    """Write out what W&B holds back, if one of ``loggers`` is W&B."""
    if any(isinstance(logger, WandbLogger) for logger in loggers):
        wandb.finish()


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
    names = itertools.chain([folder.name], (f"{folder.name}-{n}" for n in itertools.count(2)))
    candidates = (folder.with_name(name) for name in names)
    return next(path for path in candidates if not (path / CONFIG_NAME).exists())


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
