"""The ``talkface`` command."""

from talkface.cli.command import main

__all__ = ["main"]
