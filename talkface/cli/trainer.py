"""Lightning's command line, wired to talkface: shared values, run folder, loggers, checkpoints."""

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from jsonargparse import Namespace
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint, ModelCheckpoint
from pytorch_lightning.cli import (
    ArgsType,
    LightningArgumentParser,
    LightningCLI,
    SaveConfigCallback,
)

from talkface.cli.errors import refused_value
from talkface.cli.evaluation import Evaluation
from talkface.cli.runs import Wandb, make_folder, make_loggers, run_folder, run_name, stop_wandb
from talkface.data.datamodule import TalkFaceData
from talkface.render.clips import ClipWriter
from talkface.system import TalkFace

LINKS = ("resolution", "mfcc")
"""Values that data and model share; they are set in ``data``."""


class CheckpointError(ValueError):
    """The file given as ``--ckpt_path`` is not a checkpoint of this model."""

    def __init__(self, path: Path, found: str) -> None:
        super().__init__(
            f"{path} is not a usable checkpoint: {found}. "
            "Give a .ckpt file that `talkface fit` wrote, such as the last.ckpt of a run."
        )


class OtherDataError(ValueError):
    """A checkpoint was trained on data of another shape than those it is given."""

    def __init__(self, path: Path, name: str, trained: object, asked: object) -> None:
        super().__init__(
            f"{path} was trained with data.{name}={trained}, not {asked}. "
            f"Add --data.{name}={trained}."
        )


class SaveConfig(SaveConfigCallback):
    """Also hand the resolved config to the loggers, so that runs can be compared by it."""

    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Log the same tree that lands in ``config.yaml``."""
        tree = yaml.safe_load(self.parser.dump(self.config, skip_none=False, format="yaml"))
        for logger in trainer.loggers:
            logger.log_hyperparams(tree)


class TalkFaceCLI(LightningCLI):
    """LightningCLI with the values that model and data must share."""

    @classmethod
    def run(cls, args: Sequence[str]) -> None:
        """Parse a command line such as ``["fit", "--config", "lrw.yaml"]`` and run it.

        Raises:
            ArgumentError: If the command line or a config cannot be understood.
        """
        parser_kwargs: dict[str, Any] = {"exit_on_error": False}
        each = {command: dict(parser_kwargs) for command in cls.subcommands()}
        cls(
            TalkFace,
            TalkFaceData,
            save_config_callback=SaveConfig,
            save_config_kwargs={"overwrite": True},
            seed_everything_default=0,
            parser_kwargs={"prog": "talkface", **parser_kwargs, **each},
            args=list(args),
            auto_configure_optimizers=False,
        )

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Declare shared values once, in ``data``, and say how W&B keeps the run."""
        for name in LINKS:
            parser.link_arguments(f"data.{name}", f"model.{name}")
        parser.link_arguments("data.resolution", "model.generator.init_args.resolution")
        parser.add_class_arguments(Wandb, "wandb")
        parser.add_class_arguments(Evaluation, "evaluation")

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Parse without Lightning's warning that ``sys.argv`` exists as well."""
        self.config = parser.parse_args(args if isinstance(args, list) else None)

    def _parse_ckpt_path(self) -> None:
        """Rebuild a model to be evaluated as it was trained; training follows its config.

        Raises:
            CheckpointError: Before anything is built, if the file cannot be used.
        """
        config = self.config[self.config.subcommand]
        if not config.ckpt_path or not str(config.ckpt_path).endswith(".ckpt"):
            return
        trained = read_settings(Path(config.ckpt_path))
        for name in LINKS:
            if trained.get(name, config.data[name]) != config.data[name]:
                raise OtherDataError(Path(config.ckpt_path), name, trained[name], config.data[name])
        if self.config.subcommand != "fit":
            super()._parse_ckpt_path()

    def before_instantiate_classes(self) -> None:
        """Rendered clips go to files one by one; a corpus of them would not fit into memory."""
        if self.subcommand == "predict":
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
        if not settings["fast_dev_run"]:
            kwargs.update(self._kept(settings))
        return super().instantiate_trainer(**kwargs)

    def _kept(self, settings: Namespace) -> dict[str, Any]:
        config = self.config[str(self.subcommand)]
        name = run_name([Path(str(path)) for path in config.config or ()])
        checkpoint = Path(config.ckpt_path) if config.ckpt_path else None
        default = run_folder(name, str(self.subcommand), checkpoint)
        folder = make_folder(Path(settings["default_root_dir"] or default))
        kept: dict[str, Any] = {"default_root_dir": folder}
        if self.subcommand == "fit":
            kept["callbacks"] = with_checkpoint(settings, folder)
        if self.subcommand == "predict":
            kept["callbacks"] = [*given_callbacks(settings), ClipWriter(folder)]
        if self.subcommand == "test":
            judges = self._get(self.config_init, "evaluation").callbacks(folder)
            kept["callbacks"] = [*given_callbacks(settings), *judges]
        if settings["logger"] in (None, True):
            kept["logger"] = make_loggers(folder, name, self._get(self.config_init, "wandb"))
        return kept

    def _run_subcommand(self, subcommand: str) -> None:
        """Run, and close W&B so that the next run of this process is one of its own."""
        try:
            super()._run_subcommand(subcommand)
        finally:
            stop_wandb(self.trainer.loggers)


def given_callbacks(settings: Namespace) -> list[Callback]:
    """The callbacks that the config names."""
    given = settings["callbacks"] or []
    return list(given) if isinstance(given, Sequence) else [given]


def with_checkpoint(settings: Namespace, folder: Path) -> list[Callback]:
    """The configured callbacks, with one that writes ``checkpoints/last.ckpt`` if none does.

    It writes after every epoch: left alone, Lightning writes after validations only, and the epochs
    that follow the last of them would be lost.
    """
    callbacks = given_callbacks(settings)
    saves = any(isinstance(callback, Checkpoint) for callback in callbacks)
    if saves or settings["enable_checkpointing"] is False:
        return callbacks
    last = ModelCheckpoint(
        folder / "checkpoints",
        "last",
        enable_version_counter=False,
        save_on_train_epoch_end=True,
    )
    return [*callbacks, last]


def read_settings(path: Path) -> dict[str, Any]:
    """The settings with which the model of a checkpoint was built.

    Raises:
        CheckpointError: If the file is missing, unreadable or of something else.
    """
    if not path.is_file():
        raise CheckpointError(path, "there is no such file")
    try:
        content = torch.load(path, map_location="meta", weights_only=True)
    except (RuntimeError, EOFError, KeyError, ValueError, pickle.UnpicklingError) as error:
        raise CheckpointError(path, "it is not a file that torch.save wrote") from error
    if not isinstance(content, dict) or "state_dict" not in content:
        raise CheckpointError(path, "it holds no model")
    return dict(content.get("hyper_parameters", {}))
