"""What can be trained: a model with its data, chosen by the key ``experiment`` of a config."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from pytorch_lightning import LightningDataModule, LightningModule

from talkface.cli.configs import FLAGS
from talkface.data.datamodule import TalkFaceData
from talkface.data.mfcc import Mfcc
from talkface.data.portraits import PortraitData
from talkface.pretrain import IdentityPretraining
from talkface.system import TalkFace

KEY = "experiment"


class ExperimentNotFoundError(ValueError):
    """There is no experiment of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No experiment {name!r}. Set `{KEY}` to {' or '.join(EXPERIMENTS)}.")


class NothingToRenderError(ValueError):
    """An experiment was asked for videos, but does not make any."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The experiment {name!r} renders nothing. Give a config of the experiment 'talkface'."
        )


@dataclass(frozen=True)
class Experiment:
    """A model, its data, and what the two share.

    Attributes:
        model: What is trained.
        data: What it is trained on.
        shared: Values that are set in ``data``, and that a checkpoint must agree with.
        networks: Names of the settings that say which networks there are; a term whose adversary
            is kept only as long as it is set counts among them.
        filled: More values of the model that come from ``data``: from where, to where, and how
            they are computed, None for as they are.
        counted: The same for values that are known once the data have been read.
        renders: Whether it makes clips, for ``test`` to judge and ``predict`` to write.
    """

    model: type[LightningModule]
    data: type[LightningDataModule]
    shared: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    filled: tuple[tuple[str, str, Callable[[Any], Any] | None], ...] = ()
    counted: tuple[tuple[str, str], ...] = ()
    renders: bool = False

    @property
    def settings(self) -> set[str]:
        """Names of all settings of the model."""
        return set(inspect.signature(self.model).parameters)


def coefficients_of(preset: str) -> int:
    """MFCC coefficients per step of a preset."""
    return Mfcc(preset).coefficients


def steps_of(preset: str) -> int:
    """MFCC steps per video frame of a preset."""
    return Mfcc(preset).steps


EXPERIMENTS = {
    "talkface": Experiment(
        TalkFace,
        TalkFaceData,
        shared=("resolution", "mfcc"),
        networks=(
            "identity_encoder",
            "video_encoder",
            "audio_encoder",
            "generator",
            "sequence_discriminator",
            "modality_discriminator",
            "word_classifier",
            "terms.gan",
            "terms.sync_gan",
            "terms.words",
        ),
        filled=(
            ("resolution", "generator.init_args.resolution", None),
            ("mfcc", "audio_encoder.init_args.coefficients", coefficients_of),
            ("mfcc", "audio_encoder.init_args.steps", steps_of),
        ),
        renders=True,
    ),
    "identity": Experiment(
        IdentityPretraining,
        PortraitData,
        networks=("encoder",),
        counted=(("people", "people"),),
    ),
}
DEFAULT = "talkface"


def chosen_experiment(args: Sequence[str]) -> str:
    """The experiment that a command line asks for, itself or in a config; the last one counts.

    It must be known before there is a parser, as its model and data make the other options.

    Args:
        args: Command line whose configs are paths.

    Raises:
        ExperimentNotFoundError: If there is no such experiment.
    """
    name = DEFAULT
    for name in _asked(args):
        if name not in EXPERIMENTS:
            raise ExperimentNotFoundError(name)
    return name


def trained_experiment(settings: Iterable[str]) -> str | None:
    """The experiment whose model has these settings; None if that cannot be told.

    Args:
        settings: Names of the settings that a checkpoint holds, and what Lightning adds.
    """
    own = {name for name in settings if not name.startswith("_")}
    known = [name for name, one in EXPERIMENTS.items() if one.settings >= own]
    return known[0] if len(known) == 1 else None


def _asked(args: Sequence[str]) -> Iterator[str]:
    for arg, following in pairwise([*args, ""]):
        flag, equals, value = arg.partition("=")
        given = value if equals else following
        if flag == f"--{KEY}":
            yield given
        elif flag in FLAGS and KEY in (config := _read(given)):
            yield str(config[KEY])


def _read(config: str) -> dict[str, object]:
    """Keys of a config; none if it cannot be understood, which the parser will tell."""
    try:
        tree = yaml.safe_load(Path(config).read_text())
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return tree if isinstance(tree, dict) else {}
