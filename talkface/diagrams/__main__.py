"""``python -m talkface.diagrams --output docs/networks``: draw everything anew."""

import argparse
import logging
from pathlib import Path

from talkface.diagrams.pages import pages

logger = logging.getLogger("talkface.diagrams")


def main() -> None:
    """Write one figure per network, and the page that shows them."""
    parser = argparse.ArgumentParser("python -m talkface.diagrams", description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="folder of the figures")
    folder: Path = parser.parse_args().output
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")
        logger.info("Wrote %s.", folder / name)


if __name__ == "__main__":
    main()
