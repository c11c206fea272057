"""Where configs are found: the working folder first, then those shipped with the package."""

from collections.abc import Sequence
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
FLAGS = ("--config", "-c")


class ConfigNotFoundError(FileNotFoundError):
    """A config is neither a file nor the name of a shipped one."""

    def __init__(self, name: str) -> None:
        shipped = ", ".join(shipped_configs()) or "none"
        super().__init__(
            f"No config {name!r}: neither a file seen from {Path.cwd()} nor a shipped config. "
            f"Shipped are: {shipped}."
        )


def config_folder() -> Path:
    """The configs that came with this package: in the wheel, or at the root of a checkout."""
    installed = PACKAGE / "configs"
    return installed if installed.is_dir() else PACKAGE.parent / "configs"


def shipped_configs() -> list[str]:
    """Names of the configs that ``--config`` finds from any folder."""
    folder = config_folder()
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.yaml"))


def find_config(name: str) -> str:
    """Path of a config: a file as seen from the working folder, else a shipped one.

    Args:
        name: A path, or a name such as ``lrw.yaml`` or ``ablations/l1.yaml``.

    Raises:
        ConfigNotFoundError: If there is no such file; lists the shipped ones.
    """
    for path in (Path(name), config_folder() / name):
        if path.is_file():
            return str(path)
    raise ConfigNotFoundError(name)


def resolve_configs(args: Sequence[str]) -> list[str]:
    """The same arguments with every ``--config NAME`` and ``--config=NAME`` made a path."""
    resolved: list[str] = []
    for arg in args:
        flag, equals, value = arg.partition("=")
        if flag in FLAGS and equals:
            resolved.append(f"{flag}={find_config(value)}")
        elif resolved and resolved[-1] in FLAGS:
            resolved.append(find_config(arg))
        else:
            resolved.append(arg)
    return resolved
