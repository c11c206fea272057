"""Which code a run was made with."""

import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from talkface.cli.configs import PACKAGE

SECONDS = 10.0
"""How long git may take to answer."""


def code_version(root: Path = PACKAGE.parent) -> dict[str, str | bool | None]:
    """What a run's config says about the code, beside what W&B finds out by itself.

    Python, the machine, its GPUs and all installed packages are in W&B's own record of the system;
    the commit it notes is that of the working folder, whatever repository that is.

    Args:
        root: Folder that holds the package; a checkout if it is the root of a git repository.

    Returns:
        ``code/version`` of the installed package; ``code/commit`` of the checkout it is used from
        and ``code/dirty``, whether tracked files differ from it, both None outside of a checkout;
        and the versions that figures depend on.
    """
    commit = _git(root, "rev-parse", "HEAD") if _is_checkout(root) else None
    changes = None if commit is None else _git(root, "status", "--porcelain", "-uno")
    return {
        "code/version": _installed("talkface"),
        "code/commit": commit,
        "code/dirty": None if changes is None else bool(changes),
        "code/torch": torch.__version__,
        "code/lightning": _installed("pytorch-lightning"),
        "code/cuda": torch.version.cuda,
    }


def _is_checkout(root: Path) -> bool:
    """Not for a package that is installed somewhere inside of another repository."""
    top = _git(root, "rev-parse", "--show-toplevel")
    return top is not None and Path(top).resolve() == root.resolve()


def _git(root: Path, *args: str) -> str | None:
    """What git says; None where there is no git or no repository."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *args],
            capture_output=True,
            text=True,
            check=True,
            timeout=SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
