"""The ``.json`` that may lie beside a video and say more than the corpus does."""

import json
from pathlib import Path
from typing import Any

from data_prep.corpora.raw import ClipError


def read_sidecar(path: Path) -> dict[str, Any]:
    """What the file says, or nothing where there is none.

    Raises:
        ClipError: It is damaged.
    """
    if not path.is_file():
        return {}
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ClipError(f"{path} is not JSON ({error}).") from error
    if not isinstance(fields, dict):
        raise ClipError(f"{path} must hold an object, not {type(fields).__name__}.")
    return fields


def exact_times(fields: dict[str, Any]) -> tuple[float, float] | None:
    """First and last moment of the word in seconds, where ``fields`` tell."""
    if not {"word_start", "word_end"} <= fields.keys():
        return None
    return float(fields["word_start"]), float(fields["word_end"])
