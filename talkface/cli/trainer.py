"""Lightning's command line, wired to talkface: shared values, run folder, loggers, checkpoints."""

import logging
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import Namespace
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.cli import (
    ArgsType,
    LightningArgumentParser,
    LightningCLI,
    SaveConfigCallback,
)
from pytorch_lightning.plugins import CheckpointIO

from talkface.callbacks import Board
from talkface.callbacks.saves import Saves, TrainingStoppedError
from talkface.cli.checkpoints import (
    CheckpointError,
    Difference,
    OtherDataError,
    OtherExperimentError,
    OtherModelError,
    compare,
    listed,
    read_settings,
)
from talkface.cli.errors import refused_value
from talkface.cli.evaluation import Evaluation
from talkface.cli.experiments import (
    DEFAULT,
    EXPERIMENTS,
    KEY,
    NothingToRenderError,
    chosen_experiment,
    trained_experiment,
)
from talkface.cli.precision import affordable
from talkface.cli.runs import (
    Wandb,
    latest_folder,
    make_folder,
    make_loggers,
    run_folder,
    run_name,
    stop_wandb,
)
from talkface.cli.storage import LAST, DurableIO, clean, newest
from talkface.render.clips import ClipWriter

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Saving:
    """When training is saved within an epoch; after each it is in any case.

    Args:
        minutes: Minutes from one checkpoint to the next; null for none by time.
        batches: Training steps from one to the next; null for none by number.
    """

    minutes: float | None = 5.0
    batches: int | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None and value <= 0:
                raise ValueError(f"`checkpoints.{name}` is {value}; use more than 0, or null.")


class SaveConfig(SaveConfigCallback):
    """Also hand the resolved config to the loggers, so that runs can be compared by it."""

    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Log the same tree that lands in ``config.yaml``."""
        tree = yaml.safe_load(self.parser.dump(self.config, skip_none=False, format="yaml"))
        for logger in trainer.loggers:
            logger.log_hyperparams(tree)


class TalkFaceCLI(LightningCLI):
    """LightningCLI for one experiment, with the values that its model and data must share."""

    def __init__(self, name: str, **kwargs: Any) -> None:
        self.name, self.experiment = name, EXPERIMENTS[name]
        self.goes_on: Path | None = None
        self.storage = DurableIO()
        super().__init__(self.experiment.model, self.experiment.data, **kwargs)

    @classmethod
    def run(cls, args: Sequence[str]) -> None:
        """Parse a command line such as ``["fit", "--config", "lrw.yaml"]`` and run it.

        Raises:
            ExperimentNotFoundError: If it asks for an experiment that does not exist.
            ArgumentError: If the command line or a config cannot be understood.
        """
        parser_kwargs: dict[str, Any] = {"exit_on_error": False}
        each = {command: dict(parser_kwargs) for command in cls.subcommands()}
        cls(
            chosen_experiment(args),
            save_config_callback=SaveConfig,
            save_config_kwargs={"overwrite": True},
            seed_everything_default=0,
            parser_kwargs={"prog": "talkface", **parser_kwargs, **each},
            args=list(args),
            auto_configure_optimizers=False,
        )

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Declare shared values once, in ``data``, and say how W&B keeps the run."""
        parser.add_argument(f"--{KEY}", default=DEFAULT, help=f"one of: {', '.join(EXPERIMENTS)}")
        shared = tuple((name, name) for name in self.experiment.shared)
        for source, target in shared:
            parser.link_arguments(f"data.{source}", f"model.{target}")
        for source, target, value in self.experiment.filled:
            parser.link_arguments(f"data.{source}", f"model.{target}", value)
        for source, target in self.experiment.counted:
            parser.link_arguments(f"data.{source}", f"model.{target}", apply_on="instantiate")
        parser.add_class_arguments(Wandb, "wandb")
        parser.add_class_arguments(Saving, "checkpoints")
        if self.experiment.renders:
            parser.add_class_arguments(Evaluation, "evaluation")

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Parse without Lightning's warning that ``sys.argv`` exists as well."""
        self.config = parser.parse_args(args if isinstance(args, list) else None)

    def _parse_ckpt_path(self) -> None:
        """Rebuild a model to be evaluated as it was trained; training follows its config.

        Raises:
            CheckpointError: Before anything is built, if the file cannot be used.
            OtherExperimentError: If it holds the model of another experiment.
            OtherDataError: If it was trained on data of another shape.
            OtherModelError: If a training is to go on with other networks.
        """
        config = self.config[self.config.subcommand]
        if config.ckpt_path == "last":
            self._find_last(config)
        if not config.ckpt_path or not str(config.ckpt_path).endswith(".ckpt"):
            return
        path = Path(config.ckpt_path)
        trained = read_settings(path)
        by = trained_experiment(trained)
        if by not in (None, self.name):
            raise OtherExperimentError(path, by, self.name)
        for name in self.experiment.shared:
            if trained.get(name, config.data[name]) != config.data[name]:
                raise OtherDataError(path, name, trained[name], config.data[name])
        counted = {target for _, target in self.experiment.counted}  # not known yet
        known = {name: value for name, value in trained.items() if name not in counted}
        self._tell_differences(path, compare(known, config.model.as_dict()))
        if self.config.subcommand != "fit":
            super()._parse_ckpt_path()

    def _find_last(self, config: Namespace) -> None:
        """Put the newest whole checkpoint of the run in the place of the word ``last``.

        Raises:
            CheckpointError: If there is none, and nothing to be evaluated.
        """
        configs = [Path(str(path)) for path in config.config or ()]
        root = config.trainer.default_root_dir
        self.goes_on = Path(root) if root else latest_folder(run_name(configs), configs)
        folder = self.goes_on / "checkpoints"
        found = newest(folder)
        if found is None and self.config.subcommand != "fit":
            raise CheckpointError(folder / LAST, "there is no whole checkpoint beside it")
        log.info("%s", f"Going on from {found}." if found else f"No checkpoint in {folder} yet.")
        config.ckpt_path = str(found) if found else None

    def _tell_differences(self, path: Path, differences: list[Difference]) -> None:
        """A run goes on with the networks it began with; a model is evaluated as it was trained.

        Raises:
            OtherModelError: If a training is to go on with other networks.
        """
        fixed = self.experiment.networks
        fatal = [one for one in differences if one.name in fixed or one.network in fixed]
        if fatal and self.config.subcommand == "fit":
            raise OtherModelError(path, fatal)
        if differences:
            heeded = "the config" if self.config.subcommand == "fit" else "the checkpoint"
            log.warning("%s was trained with %s; %s counts.", path, listed(differences), heeded)

    def before_instantiate_classes(self) -> None:
        """Compute in what the processor has, and let rendered clips go to files one by one.

        A corpus of them would not fit into memory.

        Raises:
            NothingToRenderError: If the experiment makes no clips.
        """
        trainer = self.config[str(self.subcommand)]["trainer"]
        trainer["precision"] = affordable(trainer["precision"], trainer["accelerator"])
        if self.subcommand == "predict":
            if not self.experiment.renders:
                raise NothingToRenderError(self.name)
            self.config["predict"]["return_predictions"] = False

    def instantiate_classes(self) -> None:
        """Build everything.

        Raises:
            ConfigValueError: If a constructor of this package refuses a value.
        """
        try:
            super().instantiate_classes()
        except ValueError as error:
            refused = refused_value(error)
            if refused is None:
                raise
            raise refused from error

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Give the trainer a folder, loggers and checkpoints, unless it is a trial run."""
        settings = self._get(self.config_init, "trainer")
        given = settings["plugins"] or []
        plugins = list(given) if isinstance(given, list) else [given]
        if not any(isinstance(plugin, CheckpointIO) for plugin in plugins):
            kwargs["plugins"] = [*plugins, self.storage]
        if not settings["fast_dev_run"]:
            kwargs.update(self._kept(settings))
        return super().instantiate_trainer(**kwargs)

    def _kept(self, settings: Namespace) -> dict[str, Any]:
        config = self.config[str(self.subcommand)]
        name = run_name([Path(str(path)) for path in config.config or ()])
        checkpoint = Path(config.ckpt_path) if config.ckpt_path else None
        fitting = self.subcommand == "fit"
        default = (fitting and self.goes_on) or run_folder(name, str(self.subcommand), checkpoint)
        folder = make_folder(Path(settings["default_root_dir"] or default))
        kept: dict[str, Any] = {"default_root_dir": folder}
        if self.subcommand == "fit":
            saving = self._get(self.config_init, "checkpoints")
            kept["callbacks"] = with_checkpoint(settings, folder, saving, self.storage)
        if self.subcommand == "predict":
            kept["callbacks"] = [*given_callbacks(settings), ClipWriter(folder)]
        if self.subcommand == "test" and self.experiment.renders:
            judges = self._get(self.config_init, "evaluation").callbacks(folder)
            kept["callbacks"] = [*given_callbacks(settings), *judges, Board()]
        if settings["logger"] in (None, True):
            wandb = self._get(self.config_init, "wandb")
            kept["logger"] = make_loggers(folder, name, wandb, str(self.subcommand), checkpoint)
        return kept

    def _run_subcommand(self, subcommand: str) -> None:
        """Run, and close W&B so that the next run of this process is one of its own."""
        try:
            super()._run_subcommand(subcommand)
        except TrainingStoppedError as stopped:
            if not self.trainer.is_global_zero:
                raise SystemExit(0) from None  # otherwise the first process is killed for it
            raise SystemExit(self._told(stopped)) from None
        finally:
            stop_wandb(self.trainer.loggers)

    def _told(self, stopped: TrainingStoppedError) -> int:
        """Say how to go on; the exit status of a program that SIGTERM ended."""
        config = self.config[str(self.subcommand)]
        names = [Path(str(path)) for path in config.config or ()]
        root = config.trainer.default_root_dir
        more = "".join(f" --config {path}" for path in names)
        more += f" --trainer.default_root_dir {root}" if root else ""
        log.warning(
            "Training %s. Go on with the same command and `--ckpt_path last`: "
            "`talkface fit%s … --ckpt_path last`.",
            stopped,
            more,
        )
        return 128 + signal.SIGTERM


def given_callbacks(settings: Namespace) -> list[Callback]:
    """The callbacks that the config names."""
    given = settings["callbacks"] or []
    return list(given) if isinstance(given, Sequence) else [given]


def with_checkpoint(
    settings: Namespace, folder: Path, saving: Saving, storage: DurableIO
) -> list[Callback]:
    """The configured callbacks, with one that writes ``checkpoints/last.ckpt`` if none does."""
    callbacks = given_callbacks(settings)
    saves = any(isinstance(callback, Checkpoint) for callback in callbacks)
    if saves or settings["enable_checkpointing"] is False:
        return callbacks
    place = folder / "checkpoints"
    clean(place)
    last = Saves(place / LAST, saving.minutes, saving.batches, lambda: storage.failure)
    return [*callbacks, last]
