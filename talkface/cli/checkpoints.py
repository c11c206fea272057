"""What the command line reads of a checkpoint before it builds anything, and what it refuses."""

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch


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


class OtherExperimentError(ValueError):
    """A checkpoint holds the model of another experiment than the one that is run."""

    def __init__(self, path: Path, trained: str, asked: str) -> None:
        super().__init__(
            f"{path} was trained by the experiment {trained!r}, not {asked!r}. "
            f"Give the config it was trained with, which says `experiment: {trained}`."
        )


class Difference(NamedTuple):
    """One setting of the model that a checkpoint and a config do not share.

    Attributes:
        name: Its name below ``model``.
        trained: Value in the checkpoint, None where it has none.
        asked: Value in the config, None where it has none.
    """

    name: str
    trained: object
    asked: object

    @property
    def network(self) -> str:
        """The setting of the model that it belongs to."""
        return self.name.partition(".")[0]

    def __str__(self) -> str:
        return f"model.{self.name} {_word(self.trained)}, not {_word(self.asked)}"


class OtherModelError(ValueError):
    """A training was to go on with other networks than the checkpoint holds."""

    def __init__(self, path: Path, differences: list[Difference]) -> None:
        super().__init__(
            f"{path} holds other networks than the config asks for: it was trained with "
            f"{listed(differences)}. Go on with the config of its run (config.yaml beside "
            "`checkpoints`), or leave `--ckpt_path` out to start anew."
        )


CODE = re.compile(r"(?:GLOBAL|global:?|class|type) ['`]?([\w.]+\.[\w.]+)")
"""How torch names what it refuses to load."""

SHOWN = 4
"""Differences quoted in a message."""

FREE = ("init_from", "frozen")
"""Settings of networks that say how a training begins, and not what a network is."""


def listed(differences: list[Difference]) -> str:
    """The first differences on one line."""
    more = len(differences) - SHOWN
    shown = "; ".join(map(str, differences[:SHOWN]))
    return f"{shown} and {more} more" if more > 0 else shown


def compare(trained: Mapping[str, Any], asked: Mapping[str, Any]) -> list[Difference]:
    """Settings of the model that differ.

    Below a class that differs, and for settings that an older version did not have, nothing is
    compared.

    Args:
        trained: Settings in a checkpoint.
        asked: Settings of ``model`` in a config.
    """
    found = []
    for name in sorted({*trained, *asked}):
        old, new = _plain(trained.get(name)), _plain(asked.get(name))
        if name.startswith("_") or name in FREE or old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            if old.get("class_path") == new.get("class_path"):
                inner = compare(*(x.get("init_args", x) for x in (old, new)))
                found += [one._replace(name=f"{name}.{one.name}") for one in inner]
                continue
        elif name not in trained and not isinstance(new, dict):
            continue
        found.append(Difference(name, old, new))
    return found


def _plain(value: Any) -> Any:
    """A value as YAML would give it back."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Path) else value


def _word(value: object) -> str:
    """A value in a message; a network by the name of its class."""
    if isinstance(value, dict) and "class_path" in value:
        return str(value["class_path"]).rpartition(".")[2]
    return "null" if value is None else str(value)


def read_settings(path: Path) -> dict[str, Any]:
    """The settings with which the model of a checkpoint was built.

    Raises:
        CheckpointError: If the file is missing, unreadable or of something else.
    """
    content = read_content(path, "meta")
    if "state_dict" not in content:
        raise CheckpointError(path, "it holds no model")
    return dict(content.get("hyper_parameters", {}))


def read_content(path: Path, map_location: Any) -> dict[str, Any]:
    """Everything in a checkpoint, read without running any code that the file might hold.

    Args:
        path: The file.
        map_location: Device for its tensors, as ``torch.load`` takes it.

    Raises:
        CheckpointError: If the file is missing, unreadable or of something else, or holds code.
    """
    if not path.is_file():
        raise CheckpointError(path, "there is no such file")
    try:
        content = torch.load(path, map_location=map_location, weights_only=True)
    except (RuntimeError, EOFError, KeyError, ValueError, pickle.UnpicklingError) as error:
        if name := CODE.search(str(error)):
            raise CheckpointError(
                path,
                f"it holds more than tensors and plain values, and reading {name[1]} would "
                "run code of the file",
            ) from error
        raise CheckpointError(path, "it is not a file that torch.save wrote") from error
    if not isinstance(content, dict):
        raise CheckpointError(path, "it holds no model")
    return content
