"""Which errors are meant for users, and how they read on one line."""

import argparse
import traceback
from collections.abc import Iterator

PACKAGES = {"talkface", "data_prep"}
TRAINER_ERROR = "MisconfigurationException"
"""Lightning's error for settings that do not fit together; named, as importing it takes long."""
NOISE = (
    "Does not validate",
    "Subtypes:",
    "Errors:",
    "Given value type:",
    "Given value: {",
    "Given value: N",  # Namespace(...) and NestedArg(...)
    "Problem with given class_path",
    "Expected a <class 'NoneType'>",
)
"""Beginnings of lines of jsonargparse that only repeat what the other lines say."""


class ConfigValueError(ValueError):
    """A value of the config was refused by what it was meant for."""


def message_for_users(error: BaseException) -> str | None:
    """The message of the first error of a chain that was made for users; None for a bug.

    Errors of this package's own types say what was found and what to do about it. Those of the
    argument parser are made shorter.
    """
    if isinstance(error, argparse.ArgumentError):
        return shortened(str(error))
    for one in _chain(error):
        kind = type(one)
        if kind.__module__.partition(".")[0] in PACKAGES or kind.__name__ == TRAINER_ERROR:
            return str(one)
    return None


def refused_value(error: ValueError) -> ConfigValueError | None:
    """An error for users if a constructor of this package refused a value with ``ValueError``."""
    *_, last = _chain(error)
    *_, (frame, _line) = traceback.walk_tb(last.__traceback__)
    ours = str(frame.f_globals.get("__name__", "")).partition(".")[0] in PACKAGES
    return ConfigValueError(str(last)) if ours and isinstance(last, ValueError) else None


def shortened(message: str) -> str:
    """What went wrong, without the parser's attempts at every type of a union."""
    head, *rest = [line.strip().removeprefix("- ") for line in message.strip().splitlines()]
    reasons = [line for line in dict.fromkeys(rest) if not line.startswith(NOISE)]
    return f"{head.rstrip(':')}: {'; '.join(reasons)}" if reasons else head


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, its cause, the cause of that, and so on."""
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__
