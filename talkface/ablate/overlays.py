"""The overlays: how an arm names them, and the question that each asks."""

from pathlib import Path

from talkface.ablate.errors import UnknownOverlayError
from talkface.cli.configs import ConfigNotFoundError, config_folder, find_config

FOLDER = "ablations"
JOIN = "+"


def find_overlays(arm: str) -> tuple[str, ...]:
    """The overlays of an arm, as ``--config`` takes them.

    Args:
        arm: A bare name (``l1``), a config (``ablations/l1.yaml``), a path, or several of them
            joined by ``+``, the last of which counts where two set the same.

    Raises:
        UnknownOverlayError: If one of them does not exist; lists the shipped ones.
    """
    return (arm,) if Path(arm).is_file() else tuple(map(_find, arm.split(JOIN)))


def questions() -> dict[str, str]:
    """What every shipped overlay asks: its first comment."""
    paths = sorted((config_folder() / FOLDER).glob("*.yaml"))
    return {path.stem: _first_comment(path.read_text()) for path in paths}


def table() -> str:
    """The shipped overlays and their questions, in Markdown."""
    rows = (f"| `{name}` | {question} |" for name, question in questions().items())
    return "\n".join(["| overlay | asks |", "|---|---|", *rows])


def _find(name: str) -> str:
    candidates = (name,) if name.endswith((".yaml", ".yml")) else _spelt_out(name)
    for candidate in candidates:
        try:
            find_config(candidate)
        except ConfigNotFoundError:
            continue
        return candidate
    raise UnknownOverlayError(name)


def _spelt_out(name: str) -> tuple[str, ...]:
    """Where a bare name may be; a base config that is shipped is no overlay."""
    own = f"{name}.yaml"
    return (f"{FOLDER}/{own}", own) if Path(own).is_file() else (f"{FOLDER}/{own}",)


def _first_comment(text: str) -> str:
    lines: list[str] = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").strip())
    return " ".join(lines)
