"""Which rows W&B has of a run, by its own files: for a part that goes on to log each row once.

A row is never taken back: W&B can truncate a history (``resume_from``) neither offline nor on
servers of one's own. After a kill it may lack the last rows: its files grow in blocks of 32 KiB.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

AXIS = "trainer/global_step"
"""Lightning's name for the training batches so far; a step of several optimizers counts once."""

OFFLINE = "offline-run-"


class Rows:
    """The last step of every key that W&B has.

    Args:
        last: That step, in training batches.
    """

    def __init__(self, last: Mapping[str, int] | None = None) -> None:
        self._last = dict(last or {})

    @classmethod
    def read(cls, folder: Path, run: str, start: int = 0) -> "Rows":
        """Those of a run, of all its parts.

        Args:
            folder: Where W&B keeps its files.
            run: Id of the run.
            start: At which of its own steps W&B goes on. A server has what comes before; later
                rows of parts that were online have not reached it.
        """
        last: dict[str, int] = {}
        for part in sorted(folder.glob(f"*run-*-{run}")):
            offline = part.name.startswith(OFFLINE)
            for row in _history(part) if not part.is_symlink() else ():
                if AXIS in row and (offline or row.get("_step", 0) < start):
                    for key in _names(row):
                        last[key] = max(last.get(key, -1), int(row[AXIS]))
        return cls(last)

    def new(self, row: Mapping[str, Any], step: int) -> dict[str, Any]:
        """What of a row W&B does not have; nothing if that is the epoch only."""
        found = {key: value for key, value in row.items() if self._last.get(key, -1) < step}
        return found if found.keys() - {"epoch"} else {}


def _names(row: Iterable[str]) -> Iterator[str]:
    """Keys of a row; pictures have several, ``val/strips._type`` and so on."""
    for key in row:
        yield key.partition("._type")[0]


def _history(part: Path) -> Iterator[dict[str, Any]]:
    """Rows of one part, up to where its file was cut."""
    command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(part)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        for line in process.stdout or ():
            record = json.loads(line)
            if record.get("type") == "history":
                yield record["history"]["item"]
