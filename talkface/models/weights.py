"""Files of weights: read without running code that they bring along, or fetched."""

import pickle
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

RELEASED_FAN = "2DFAN-4"
"""Name by which ``face_alignment`` knows the released weights of the landmark network."""

_NOT_READ = (
    *(RuntimeError, ValueError, KeyError, OSError, EOFError),
    *(pickle.UnpicklingError, zipfile.BadZipFile),
)


class WarmStartError(ValueError):
    """Weights that were asked for cannot be used; the message says why and what to do."""

    def __init__(self, file: Path | str, found: str, advice: str) -> None:
        super().__init__(f"`init_from` {file} cannot be used: {found}. {advice}")


def read_checkpoint(file: Path) -> dict[str, Any]:
    """Content of a file written by ``torch.save``, or the state dict of a TorchScript archive.

    Only tensors and plain containers are read. Whatever else the file holds, such as settings of
    the program that wrote it, becomes an empty stand-in: nothing it names is imported or called.

    Raises:
        WarmStartError: The file is missing, damaged, or of another kind.
    """
    if not file.is_file():
        raise WarmStartError(file, "there is no such file", "Give the path of a weights file.")
    try:
        content: Any = _torchscript(file) if _is_torchscript(file) else _saved(file)
    except _NOT_READ as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise WarmStartError(
            file,
            f"it is damaged, or not a file of tensors ({lines[0][:200]})",
            "Give a file that `torch.save` wrote, or delete it and fetch it again.",
        ) from error
    if not isinstance(content, Mapping):
        found = f"it holds a {type(content).__name__} and not tensors by name"
        raise WarmStartError(file, found, "Give a file that holds a state dict.")
    return dict(content)


def named_tensors(content: Mapping[str, Any], *wrappers: str) -> dict[str, Tensor]:
    """Tensors of a checkpoint by name, without the prefix ``module.`` of data-parallel training.

    Args:
        content: What the file holds.
        wrappers: Keys under which a state dict may lie; the first one that is there is taken, and
            without any of them ``content`` itself is the state dict.
    """
    found = next(
        (content[key] for key in wrappers if isinstance(content.get(key), Mapping)), content
    )
    tensors = {str(name): value for name, value in found.items() if isinstance(value, Tensor)}
    if tensors and all(name.startswith("module.") for name in tensors):
        return {name.removeprefix("module."): value for name, value in tensors.items()}
    return tensors


def released_fan() -> Path:
    """File of the released landmark network, downloaded by ``face_alignment`` if it is not there.

    Raises:
        WarmStartError: It cannot be downloaded.
    """
    from face_alignment.api import models_urls  # noqa: PLC0415
    from face_alignment.utils import load_file_from_url  # noqa: PLC0415

    url = str(models_urls[RELEASED_FAN])
    try:
        return Path(load_file_from_url(url))
    except OSError as error:
        name, folder = url.rpartition("/")[2], Path(torch.hub.get_dir()) / "checkpoints"
        raise WarmStartError(
            RELEASED_FAN,
            f"it is not there and could not be downloaded ({error})",
            f"Without a network put `{name}` from {url} into {folder}, or set `init_from` to the "
            "path of the file.",
        ) from error


class _Unread:
    """Stands in for whatever a file holds besides tensors and plain containers."""

    def __new__(cls, *_: Any) -> "_Unread":
        return super().__new__(cls)

    def __init__(self, *_: Any) -> None:
        """Take what the real class would have been given, and forget it."""

    def __setstate__(self, _: Any) -> None:
        """Forget the state as well."""


def _saved(file: Path) -> Any:
    names: Iterable[str] = ()
    if zipfile.is_zipfile(file):
        names = torch.serialization.get_unsafe_globals_in_checkpoint(file)
    with torch.serialization.safe_globals([(_Unread, name) for name in names]):
        return torch.load(file, map_location="cpu", weights_only=True)


def _is_torchscript(file: Path) -> bool:
    if not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _torchscript(file: Path) -> dict[str, Tensor]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # deprecated, but nothing else reads these
        archive: Any = torch.jit.load(file, map_location="cpu")
    return dict(archive.state_dict())
