"""Which operations are used: native ones, or those of pure PyTorch."""

import logging
import os
import threading
from functools import cache

import torch
from pytorch_lightning.utilities import rank_zero_only
from torch import Tensor

from talkface.ops import build
from talkface.ops.errors import NativeOpsError, OpsBuildError, OpsSettingError

log = logging.getLogger(__name__)

SETTING = "TALKFACE_OPS"
"""Environment variable: ``native``, ``reference``, or unset for what is best."""

BEST = frozenset({"cpu"})
"""Kinds of device on which native operations were seen to be quicker, and are the default."""

DTYPES = frozenset({torch.float16, torch.bfloat16, torch.float32, torch.float64})

_LOADING = threading.Lock()


def is_native(x: Tensor) -> bool:
    """Whether an operation on ``x`` is to be done natively.

    Programs that are exported hold operations of torch alone, so that they can be loaded where
    talkface is not.

    Raises:
        OpsSettingError: The setting is neither.
        NativeOpsError: Native operations are demanded and cannot be had.
    """
    if torch.compiler.is_exporting():
        return False
    return x.dtype in DTYPES and is_chosen(x.device.type)


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def is_chosen(device: str) -> bool:
    """Whether native operations are wanted and there; builds and loads them at first.

    Args:
        device: Kind of device: ``cpu``, ``cuda`` ...

    Raises:
        OpsSettingError: The setting is neither.
        NativeOpsError: Native operations are demanded and cannot be had.
    """
    wanted = os.environ.get(SETTING, "")
    if wanted not in {"", "native", "reference"}:
        raise OpsSettingError(SETTING, wanted)
    if wanted == "reference" or device == "meta" or (not wanted and device not in BEST):
        return False
    with _LOADING:
        problem = _load(device)
    if problem and wanted:
        raise NativeOpsError(SETTING, device, problem)
    if problem:
        _tell(device, problem)
    return not problem


@cache
def _load(device: str) -> str:
    """Load the library; what is in the way, or nothing."""
    if device not in build.SOURCES:
        return f"they exist for {' and '.join(build.SOURCES)}"
    try:
        torch.ops.load_library(build.library(device))
    except (OpsBuildError, OSError) as error:
        return str(error)
    return ""


@cache
@rank_zero_only
def _tell(device: str, problem: str) -> None:
    log.warning(
        "No native operations for %s, so training is slower: %s. Set %s=reference to be content "
        "with that.",
        *(device, problem, SETTING),
    )
