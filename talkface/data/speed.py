"""How fast windows come: ``python -m talkface.data.speed --config grid.yaml --data.workers 2``."""

import argparse
import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import yaml
from jsonargparse import ArgumentParser

from talkface.data.datamodule import TalkFaceData
from talkface.data.loading import EpochSampler
from talkface.types import Window

CONFIGS = (Path(__file__).parents[1] / "configs", Path(__file__).parents[2] / "configs")
"""Where configs are that the working folder lacks: in the wheel, and at the root of a checkout."""

logger = logging.getLogger("talkface.speed")


@dataclass(frozen=True)
class Speed:
    """Windows that came in some seconds, the first batch and the start of workers not counted."""

    windows: int
    seconds: float

    @property
    def rate(self) -> float:
        """Windows per second."""
        return self.windows / self.seconds


def measure(data: TalkFaceData, seconds: float | int) -> Speed:
    """Read training windows, epoch after epoch, as fast as they come.

    Args:
        data: The data module; its ``fit`` stage is set up.
        seconds: How long to read, at least one batch.
    """
    batches = _endless(data)
    next(batches)
    windows, elapsed, start = 0, 0.0, time.perf_counter()
    while windows == 0 or elapsed < seconds:
        windows += len(next(batches).frames)
        elapsed = time.perf_counter() - start
    return Speed(windows, elapsed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        The exit status: 0, or 1 if windows cannot be read.
    """
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    top = argparse.ArgumentParser("python -m talkface.data.speed", description=__doc__)
    top.add_argument("--config", type=Path, action="append", default=[], help="its `data` is used")
    top.add_argument("--seconds", type=float, default=20.0, help="how long to read")
    top.add_argument("--step", type=float, help="seconds that a training step takes, to compare")
    options, rest = top.parse_known_args(arguments)
    try:
        data = data_of(options.config, rest)
        data.setup("fit")
        _tell(data, measure(data, options.seconds), options.step)
    except (ValueError, OSError, RuntimeError) as error:
        logger.error("%s", error)  # noqa: TRY400 - the message says it all
        return 1
    return 0


def data_of(configs: Sequence[Path], arguments: Sequence[str]) -> TalkFaceData:
    """The data module that configs and options of the command line ask for."""
    parser = ArgumentParser(description="Options of the data module, over those of the configs.")
    parser.add_class_arguments(TalkFaceData, "data")
    for config in configs:
        places = [config, *(folder / config for folder in CONFIGS)]
        path = next((place for place in places if place.is_file()), config)
        section = (yaml.safe_load(path.read_text()) or {}).get("data", {})
        parser.set_defaults({f"data.{name}": value for name, value in section.items()})
    data: TalkFaceData = parser.instantiate(parser.parse_args(list(arguments))).data
    return data


def _endless(data: TalkFaceData) -> Iterator[Window]:
    loader = data.train_dataloader()
    for epoch in count():
        if isinstance(loader.sampler, EpochSampler):
            loader.sampler.set_epoch(epoch)
        yield from loader


def _tell(data: TalkFaceData, speed: Speed, step: float | None) -> None:
    logger.info(
        "%s: %.1f windows/s (%d windows of %d frames at %d px in %.1f s; %d workers, %s CPUs)",
        *(data.root, speed.rate, speed.windows, data.frames, data.resolution, speed.seconds),
        *(data.workers, os.cpu_count()),
    )
    batch = data.batch_size / speed.rate
    logger.info("A batch of %d every %.3f s: shorter steps wait for data.", data.batch_size, batch)
    if step is not None:
        eaten = data.batch_size / step
        verdict = "enough" if speed.rate >= eaten else "too slow: use more `data.workers`"
        logger.info("A step of %g s eats %.1f windows/s: %s.", step, eaten, verdict)


if __name__ == "__main__":
    sys.exit(main())
