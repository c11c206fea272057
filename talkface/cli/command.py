"""The ``talkface`` command: names commands, finds configs, turns known errors into one message.

Heavy imports wait until a command needs them, so that ``talkface --help`` answers at once.
"""

import argparse
import importlib
import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version

from talkface.cli.configs import resolve_configs
from talkface.cli.errors import message_for_users

TRAINER_COMMANDS = {
    "fit": "train a model from configs",
    "validate": "score a checkpoint on the validation windows",
    "test": "score a checkpoint on whole test clips and write the table",
    "predict": "render the test clips of a corpus into video files",
}
TOOLS = {
    "generate": ("render", "animate a portrait with a sound, a video, or both"),
    "compare": ("compare", "score folders of videos of any method against the true ones"),
    "ablate": ("ablate", "train and test a config with overlays, over seeds"),
    "report": ("report", "put finished runs side by side on one page"),
    "diagnose": ("diagnose", "ask what a checkpoint has learned: sources, sync, leaks, gradients"),
    "figure": ("figures", "draw a figure of a sound, or of what a test rendered"),
}
"""Commands that are not Lightning's: the package whose module ``cli`` does it, and what it does."""

DOCTOR = "doctor"
COMMANDS = {
    **TRAINER_COMMANDS,
    DOCTOR: "check all that a training needs, with the options of fit",
    **{name: text for name, (_, text) in TOOLS.items()},
}
INTERRUPTED = 130
REFUSED = 2
"""Exit status after a message that says what is wrong; a bug ends with 1 and a traceback."""


def main(args: list[str] | None = None) -> None:
    """Run one command.

    Args:
        args: Command line without the program's name; ``sys.argv`` when left out.

    Raises:
        SystemExit: With 2 when something is wrong that a user can change; stderr says what.
    """
    given = sys.argv[1:] if args is None else args
    command = _parser().parse_args(given[:1]).command
    _show_log()
    with one_message(command):
        if command in TOOLS:
            use(command, given[1:])
        elif command == DOCTOR:
            examine(given[1:])
        else:
            train(given)


def train(args: Sequence[str]) -> None:
    """Run one of Lightning's commands, such as ``["fit", "--config", "lrw.yaml"]``."""
    paths = resolve_configs(args)  # a misspelt name is told before anything heavy is imported
    os.environ.setdefault("JSONARGPARSE_DEPRECATION_WARNINGS", "off")  # Lightning's, not ours
    from talkface.cli.trainer import TalkFaceCLI  # noqa: PLC0415

    TalkFaceCLI.run(paths)


def examine(args: Sequence[str]) -> None:
    """Check what ``fit`` with these arguments needs."""
    paths = resolve_configs(["fit", *args])
    os.environ.setdefault("JSONARGPARSE_DEPRECATION_WARNINGS", "off")
    from talkface.cli.doctor import Doctor  # noqa: PLC0415

    Doctor.run(paths)


def use(command: str, args: Sequence[str]) -> None:
    """Run one of ``TOOLS``; a job that is told to end cleans up as after Ctrl-C."""
    tool = importlib.import_module(f"talkface.{TOOLS[command][0]}.cli")
    parser = argparse.ArgumentParser(f"talkface {command}", description=f"{COMMANDS[command]}.")
    tool.add_arguments(parser)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    tool.run(parser.parse_args(args))


@contextmanager
def one_message(command: str) -> Iterator[None]:
    """Turn an error made for users into one message and a status; bugs keep their traceback."""
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write(f"talkface {command}: interrupted\n")
        raise SystemExit(INTERRUPTED) from None
    except Exception as error:
        message = message_for_users(error)
        if message is None:
            raise
        hint = (
            f" See `talkface {command} --help`."
            if isinstance(error, argparse.ArgumentError)
            else ""
        )
        sys.stderr.write(f"talkface {command}: error: {message}{hint}\n")
        raise SystemExit(REFUSED) from error


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS))
    parser = argparse.ArgumentParser(
        "talkface",
        usage="talkface [-h] [--version] COMMAND ...",
        description="One portrait plus speech or a driving video becomes a talking-face video.",
        epilog="commands:\n"
        + "\n".join(f"  {name:<{width}}  {text}" for name, text in COMMANDS.items())
        + "\n\n`talkface COMMAND --help` tells the options of a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"talkface {_version()}")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of those below")
    return parser


def _version() -> str:
    try:
        return version("talkface")
    except PackageNotFoundError:
        return "of a folder that is not installed"


def _show_log() -> None:
    """Show what the package logs, unless the calling program has its own idea."""
    logger = logging.getLogger("talkface")
    if not logger.handlers and not logging.getLogger().handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
