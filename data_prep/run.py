"""Running a job: by an engine, resumable, what cannot be used is skipped and listed."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from data_prep.claim import Claim, claim
from data_prep.corpora.raw import CorpusError
from data_prep.engines import Engine
from data_prep.job import SETTINGS, AnyUnit, Job, Made
from data_prep.worker import Worker
from talkface.data.durable import write_aside

SKIPPED = "skipped.jsonl"
LEFT_OUT = "left_out.jsonl"
"""Clips that are prepared but in no manifest; a new list of clips is a new start."""


@dataclass
class Summary:
    """How a run ended.

    Attributes:
        kept: Units that were complete before.
        prepared: Units prepared now.
        skipped: Reason by unit, or by picture, in the order of the corpus.
    """

    kept: int = 0
    prepared: int = 0
    skipped: dict[str, str] = field(default_factory=dict)


def run(job: Job[AnyUnit, Made], units: Sequence[AnyUnit], engine: Engine, held: Claim) -> Summary:
    """Prepare those of ``units`` that are not complete, with a progress bar.

    Args:
        job: What to do with them.
        units: What to prepare.
        engine: Who does it.
        held: The claim on the output, as ``claimed`` gives it.

    Raises:
        CorpusError: Workers ended abruptly, or another run took the output.
        LandmarkModelError: The landmark networks cannot be loaded.
        OSError: The output cannot be written.
    """
    todo = [unit for unit in units if not job.is_complete(unit)]
    summary = Summary(kept=len(units) - len(todo))
    name, part = job.counted
    pictures, began = 0, time.monotonic()
    with tqdm(total=len(units), initial=summary.kept, unit=name, smoothing=0.1) as bar:
        for outcome in engine.outcomes(partial(Worker, job), todo) if todo else ():
            held.check()
            if outcome.reason is None:
                summary.prepared += 1
            else:
                summary.skipped[outcome.unit] = outcome.reason
            pictures += outcome.pictures
            speed = pictures / max(time.monotonic() - began, 1e-3)
            bar.set_postfix_str(f"{speed:.0f} {part}/s, {len(summary.skipped)} skipped", False)
            bar.update()
    skipped = summary.skipped
    summary.skipped = {unit.id: skipped[unit.id] for unit in todo if unit.id in skipped}
    return summary


def limited(units: Sequence[AnyUnit], limit: int | None) -> list[AnyUnit]:
    """At most ``limit`` of ``units``, spread over all of them."""
    if limit is None or limit >= len(units):
        return list(units)
    return [units[i * len(units) // limit] for i in range(limit)]


@contextmanager
def claimed(job: Job[Any, Any]) -> Iterator[Claim]:
    """Hold the output, which has, or will have, units of the same settings only.

    Raises:
        CorpusError: The output belongs to other settings, or to another run.
    """
    with claim(job.output) as held:
        _check_settings(job)
        yield held


def write_skipped(output: Path, skipped: Mapping[str, str]) -> None:
    """List what was skipped, and why."""
    with write_aside(output / SKIPPED) as file:
        for name, reason in skipped.items():
            file.write((json.dumps({"id": name, "reason": reason}) + "\n").encode())


def _check_settings(job: Job[Any, Any]) -> None:
    path, mine = job.output / SETTINGS, job.settings
    if not path.is_file():
        with write_aside(path) as file:
            file.write(json.dumps(mine).encode())
        return
    theirs: dict[str, Any] = json.loads(path.read_text())
    if theirs != mine:
        raise CorpusError(
            f"{job.output} was prepared with {theirs}, now asked for is {mine}. Choose another "
            "`--output`, or delete that folder first."
        )
