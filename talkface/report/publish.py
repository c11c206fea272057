"""Saving a comparison on Weights & Biases, and what can go wrong then."""

import importlib.util
from collections.abc import Callable
from typing import Any

import wandb

from talkface.report.comparison import Comparison
from talkface.report.errors import BoardError
from talkface.report.runs import at


def check_ready() -> None:
    """Make sure that a report could be saved, before any work is done.

    Raises:
        BoardError: If the package or a key is missing.
    """
    if importlib.util.find_spec("wandb_workspaces") is None:
        raise BoardError(
            "--wandb needs the package wandb-workspaces: install it with "
            "`pip install wandb-workspaces`, or leave --wandb out."
        )
    try:
        known = wandb.login(prompt=False, verify=False)
    except (wandb.errors.Error, OSError, ValueError) as error:
        raise BoardError(f"W&B cannot read its key: {error}. Run `wandb login`.") from error
    if not known:
        raise BoardError(
            "--wandb needs a W&B key: run `wandb login`, or set WANDB_API_KEY. The page itself "
            "needs neither; leave --wandb out."
        )


def publish(comparison: Comparison, entity: str | None, project: str | None) -> list[str]:
    """Save report and workspace.

    Args:
        comparison: What is compared.
        entity: User or team; that of the runs, or else your default one, when None.
        project: Project of the runs; that of their configs when None.

    Returns:
        Addresses of both.

    Raises:
        BoardError: If W&B cannot be reached, or does not know the project or the runs.
    """
    check_ready()
    from talkface.report.board import build_report, build_workspace, project_of  # noqa: PLC0415

    named = project_of(comparison, project)
    owner = entity or at(comparison.base.runs[0].config, "wandb.entity") or _default_entity()
    where = f"{owner}/{named}"
    report = build_report(comparison, owner, named)
    workspace = build_workspace(comparison, owner, named)
    return [str(_answer(made.save, where).url) for made in (report, workspace)]


def _default_entity() -> str:
    api = _answer(wandb.Api, "your key")
    found = _answer(lambda: api.default_entity, "your default entity")
    if not found:
        raise BoardError("Your W&B key has no default entity. Give --entity.")
    return str(found)


def _answer(call: Callable[[], Any], where: str) -> Any:
    """What W&B answers, or an error for users."""
    try:
        return call()
    except Exception as error:  # every version of the client has its own errors
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        if isinstance(error, ValueError) and "not found" in reason:
            raise BoardError(
                f"W&B does not know the project {where}, or does not show it to you. Upload the "
                "runs first (`wandb sync`), or give --entity and --project."
            ) from error
        raise BoardError(
            f"W&B did not answer for {where} ({reason}). Look at the network and the key, and run "
            "the command again; the page is written already."
        ) from error
