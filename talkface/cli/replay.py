"""Compute the step again at which a training stopped: ``python -m talkface.cli.replay FILE``."""

import argparse
import logging
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from talkface.cli.command import one_message
from talkface.finite import Failure
from talkface.render.checkpoint import load_training
from talkface.render.errors import CheckpointError
from talkface.system.moment import replay

logger = logging.getLogger("talkface.replay")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        The exit status: 0.

    Raises:
        SystemExit: With 2 if the file cannot be used.
    """
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    parser = argparse.ArgumentParser("python -m talkface.cli.replay", description=__doc__)
    parser.add_argument("file", type=Path, help="what a stopped training wrote: stopped-….pt")
    parser.add_argument("--device", default="cpu", help="where to compute")
    options = parser.parse_args(arguments)
    with one_message("replay"):
        compare(options.file, options.device)
    return 0


def compare(file: Path, device: str = "cpu") -> dict[str, float]:
    """Log every value of the step as it was and as it is when computed again.

    Raises:
        CheckpointError: If the file holds no step.
    """
    model, content = load_training(file)
    if "talkface_failure" not in content:
        raise CheckpointError(file, "it holds no step that stopped a training")
    failure = Failure(**content["talkface_failure"])
    values = replay(model, content, device)
    logger.info(
        "Step %d of epoch %d, %s, clips %s", failure.step, failure.epoch, failure.precision,
        ", ".join(failure.clips),
    )  # fmt: skip
    for name, value in values.items():
        before = f"{failure.values[name]:.6g}" if name in failure.values else "not reached"
        mark = "" if math.isfinite(value) else "   <- not finite"
        logger.info("%-28s %12.6g (then %s)%s", name, value, before, mark)
    return values


if __name__ == "__main__":
    sys.exit(main())
