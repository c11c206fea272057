"""What can be wrong with a diagnosis, said with the next step."""

from collections.abc import Iterable
from pathlib import Path


class DiagnoseError(ValueError):
    """A diagnosis cannot be made; the message says why and what to change."""


class UnknownDiagnosisError(DiagnoseError):
    """A diagnosis of this name does not exist."""

    def __init__(self, names: Iterable[str], known: Iterable[str]) -> None:
        super().__init__(
            f"There is no diagnosis {', '.join(names)}. Choose --only from: {','.join(known)}."
        )


class PlaceError(DiagnoseError):
    """The results cannot be written."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"{folder} cannot hold the results ({reason}). Choose another --output.")
