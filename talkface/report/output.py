"""The folder of a report."""

import logging
from pathlib import Path

from talkface.report.errors import OutputError

log = logging.getLogger(__name__)

PAGE = "index.html"
GENERATOR = "talkface report"
"""What the page says about where it comes from."""


def check_output(output: Path) -> None:
    """Make sure that a report can go into ``output`` and that nothing else lies there.

    Raises:
        OutputError: If that is not so.
    """
    if not output.exists():
        return
    if not output.is_dir():
        raise OutputError(output, "it is a file")
    page = output / PAGE
    ours = page.is_file() and GENERATOR in page.read_text(encoding="utf-8", errors="replace")
    if any(output.iterdir()) and not ours:
        raise OutputError(output, "the folder holds something other than a report")


def write(output: Path, texts: dict[str, str]) -> None:
    """Write files into a folder, each under its name only when it is whole.

    Raises:
        OutputError: If that is not possible.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            aside = output / f".{name}.part"
            aside.write_text(text, encoding="utf-8", newline="")
            aside.replace(output / name)
    except OSError as error:
        raise OutputError(output, error.strerror or str(error)) from error
    log.info("Written: %s", ", ".join(str(output / name) for name in texts))
