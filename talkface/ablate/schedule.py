"""Jobs run elsewhere: a shell command for each, in a file or handed to a scheduler."""

import logging
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from talkface.ablate.errors import SubmitError
from talkface.ablate.job import Job

log = logging.getLogger(__name__)

STDOUT = Path("-")
COMMAND, NAME = "{command}", "{name}"


def write_commands(jobs: Sequence[Job], file: Path) -> None:
    """Write one shell command per job; ``-`` is the standard output."""
    text = "".join(f"{job.line}\n" for job in jobs)
    if file == STDOUT:
        sys.stdout.write(text)
    else:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        log.info("%d commands in %s.", len(jobs), file)


def submit(jobs: Sequence[Job], template: str) -> None:
    """Hand every job that is not done to a scheduler.

    Args:
        jobs: What to run.
        template: Command line of the scheduler. ``{command}`` becomes the shell command of the job,
            as one argument; ``{name}`` its name, without ``/``.

    Raises:
        SubmitError: If the template holds no ``{command}``, or the scheduler refuses a job.
    """
    words = shlex.split(template)
    if not any(COMMAND in word for word in words):
        raise SubmitError(f"--submit {template!r} holds no {COMMAND}, which is to be run.")
    for job in jobs:
        if job.table.is_file():
            log.info("%s: done before.", job.name)
            continue
        named = [word.replace(NAME, job.name.replace("/", "-")) for word in words]
        log.info("%s: %s", job.name, _told([one.replace(COMMAND, job.line) for one in named]))


def _told(command: Sequence[str]) -> str:
    """What the scheduler answers."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise SubmitError(f"Cannot run {command[0]!r}: {error.strerror or error}.") from error
    said = (done.stdout + done.stderr).strip()
    if done.returncode != 0:
        raise SubmitError(f"{shlex.join(command)} ended with status {done.returncode}: {said}")
    return said or "submitted"
