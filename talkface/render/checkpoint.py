"""From a checkpoint file to a model, without running code that the file brings along."""

import dataclasses
import importlib
import pickle
import warnings
from argparse import ArgumentError
from pathlib import Path
from typing import Any

import torch

from talkface.losses import Pixel, Terms
from talkface.render.errors import CheckpointError, RenderError
from talkface.system import TalkFace

TRUSTED = ("talkface.", "torch.nn.modules.")
"""Where classes that a checkpoint may hold come from."""

SHOWN_KEYS = 4
"""Names quoted when a checkpoint holds something else than expected."""

_NOT_READ = (RuntimeError, ValueError, KeyError, OSError, EOFError, pickle.UnpicklingError)
_NOT_REBUILT = (RuntimeError, TypeError, ValueError, KeyError, AttributeError, ArgumentError)


def load_model(checkpoint: Path, device: str | torch.device = "cpu") -> TalkFace:
    """Rebuild a trained model, in evaluation mode.

    Only tensors, plain containers and classes of this package are unpickled, so a checkpoint
    from a stranger cannot execute code of its own.

    Args:
        checkpoint: File written by ``talkface fit``.
        device: Where the model is to compute.

    Raises:
        CheckpointError: The file is missing, not a checkpoint, or of another model.
        RenderError: There is no such device.
    """
    target = _device(device)
    with torch.serialization.safe_globals(list(_known_classes(checkpoint))):
        settings = _settings(checkpoint)
        model = _rebuild(checkpoint, _without_vgg(settings))
    return model.to(target).eval()


def load_training(file: Path) -> tuple[TalkFace, dict[str, Any]]:
    """A model with all its loss terms, in training mode, and all else that the file holds.

    As safe as ``load_model``.

    Args:
        file: Checkpoint, or the step that a stopped training wrote.

    Raises:
        CheckpointError: The file is missing, not a checkpoint, or of another model.
    """
    with torch.serialization.safe_globals(list(_known_classes(file))):
        model = _rebuild(file, _settings(file)["terms"])
        content: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    return model.train(), content


def _rebuild(checkpoint: Path, terms: Any) -> TalkFace:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pytorch_lightning")  # advice for its author
        try:
            return TalkFace.load_from_checkpoint(
                checkpoint, map_location="cpu", weights_only=True, terms=terms
            )
        except _NOT_REBUILT as error:
            found = f"it holds another model or another version of it ({_brief(error)})"
            raise CheckpointError(checkpoint, found) from error


def _device(name: str | torch.device) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(0, device=device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise RenderError(f"Cannot compute on device {name} ({_brief(error)}). Use cpu.") from error
    return device


def _known_classes(checkpoint: Path) -> list[type]:
    """Classes of ``TRUSTED`` modules that the file mentions; anything else stays forbidden."""
    if not checkpoint.is_file():
        found = "it is a folder" if checkpoint.is_dir() else "there is no such file"
        raise CheckpointError(checkpoint, found)
    if checkpoint.stat().st_size == 0:
        raise CheckpointError(checkpoint, "the file is empty")
    try:
        names = torch.serialization.get_unsafe_globals_in_checkpoint(checkpoint)
    except _NOT_READ as error:
        found = "it is not a file that torch.save wrote, or it is cut short"
        raise CheckpointError(checkpoint, found) from error
    foreign = [name for name in names if not name.startswith(TRUSTED)]
    if foreign:
        shown = ", ".join(foreign[:SHOWN_KEYS])
        raise CheckpointError(checkpoint, f"it wants to run code of {shown}, which is refused")
    return [_resolve(checkpoint, name) for name in names]


def _resolve(checkpoint: Path, name: str) -> type:
    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        message = f"it was written by another version of talkface ({name} is unknown here)"
        raise CheckpointError(checkpoint, message) from error
    if not isinstance(found, type):
        raise CheckpointError(checkpoint, f"it wants to call {name}, which is refused")
    return found


def _settings(checkpoint: Path) -> dict[str, Any]:
    """Arguments that the model was built with.

    Raises:
        CheckpointError: The file holds something else than a Lightning checkpoint.
    """
    try:
        content: Any = torch.load(checkpoint, map_location="meta", weights_only=True)
    except _NOT_READ as error:
        raise CheckpointError(checkpoint, f"it cannot be read ({_brief(error)})") from error
    if not isinstance(content, dict):
        raise CheckpointError(checkpoint, f"it holds a {type(content).__name__}")
    missing = {"state_dict", "hyper_parameters"} - content.keys()
    if missing:
        keys = [str(key) for key in content]
        shown = ", ".join(keys[:SHOWN_KEYS]) + (", …" if len(keys) > SHOWN_KEYS else "")
        raise CheckpointError(
            checkpoint,
            f"it has no {' and no '.join(sorted(missing))} but holds: {shown or 'nothing'}",
        )
    settings: dict[str, Any] = dict(content["hyper_parameters"])
    if "terms" not in settings:
        found = f"it holds another model, built with {', '.join(settings) or 'no settings'}"
        raise CheckpointError(checkpoint, found)
    return settings


def _without_vgg(settings: dict[str, Any]) -> Any:
    """The loss terms without the frozen network of ``vgg``, which rendering should not need.

    That network has no weights in the checkpoint: it would be read or downloaded for nothing.
    """
    terms = settings["terms"]
    if isinstance(terms, Terms):
        kept = dataclasses.replace(terms, vgg=None)
        left = any(getattr(kept, slot.name) for slot in dataclasses.fields(kept))
        return kept if left else Terms(pixel=Pixel())
    rest = {slot: term for slot, term in dict(terms).items() if slot != "vgg"}
    return rest if any(rest.values()) else {"pixel": {}}


def _brief(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2])[:200] if lines else type(error).__name__
