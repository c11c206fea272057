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
    except (ValueError, RecursionError) as error:
        raise ClipError(f"{path} is not JSON ({error}).") from error
    if not isinstance(fields, dict):
        raise ClipError(f"{path} must hold an object, not {type(fields).__name__}.")
    return fields


def exact_times(path: Path, fields: dict[str, Any]) -> tuple[float, float] | None:
    """First and last moment of the word in seconds, where the ``fields`` of ``path`` tell.

    Raises:
        ClipError: They are no numbers.
    """
    if not {"word_start", "word_end"} <= fields.keys():
        return None
    times = fields["word_start"], fields["word_end"]
    if not all(isinstance(time, int | float) for time in times):
        raise ClipError(f"{path} has times {times[0]!r:.20} and {times[1]!r:.20}, not numbers.")
    return float(times[0]), float(times[1])
