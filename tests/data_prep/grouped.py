"""Commands in process groups of their own: a module that other processes can import."""

import os
import signal
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.process import BaseProcess

from data_prep import engines
from data_prep.__main__ import main


def _run(arguments: list[str]) -> None:
    os.setsid()
    engines.METHOD = "fork"  # its workers start at once
    os._exit(main(arguments))


def start(arguments: list[str]) -> BaseProcess:
    """Run the command in a process group of its own.

    It is forked from a server, so it works at once, and not from here: a killed child would leave
    the locks that it shares with its parent (tqdm has one) locked for ever.
    """
    process = get_context("forkserver").Process(target=_run, args=(arguments,))
    process.start()
    return process


def kill(process: BaseProcess) -> bool:
    """Kill its whole group; whether it was still running."""
    with suppress(ProcessLookupError):  # it has ended, or has no group yet
        os.killpg(process.pid or 0, signal.SIGKILL)
    process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL
