"""The command ``python -m data_prep shards``: a prepared corpus packed into tar files."""

import argparse
import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from data_prep.run import LEFT_OUT, SKIPPED, write_skipped
from talkface.data.shard_writer import Shard, write_shards

UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}

logger = logging.getLogger("data_prep")


def add_shards(command: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add = command.add_argument
    add("--source", type=Path, required=True, help="prepared corpus, a folder of clips")
    add("--output", type=Path, required=True, help="folder of the shards")
    add("--shard-size", type=_bytes, default=UNITS["G"], help="of a tar at most: 1GB, 500MB")


def pack(options: argparse.Namespace) -> int:
    """Run the command; errors as ``write_shards``.

    Returns:
        The exit status: 0, or 1 if clips were left out.
    """
    packed = write_shards(options.source, options.output, options.shard_size, _shown)
    write_skipped(options.output, packed.skipped)
    (options.output / LEFT_OUT).unlink(missing_ok=True)
    for clip, reason in packed.skipped.items():
        logger.warning("left out %s: %s", clip, reason)
    logger.info(
        "%d clips in %d shards written and %d kept from before, %d clips left out (reasons in %s)",
        *(packed.clips, packed.written, packed.kept, len(packed.skipped), options.output / SKIPPED),
    )
    return 1 if packed.skipped else 0


def _shown(shards: Sequence[Shard]) -> Iterator[Shard]:
    """Shards, with a progress bar of bytes."""
    total = sum(shard.size for shard in shards)
    with tqdm(total=total, unit="B", unit_scale=True) as bar:
        for shard in shards:
            yield shard
            bar.update(shard.size)


def _bytes(text: str) -> int:
    """A size as people write it: 1GB, 500 MB, 2000000."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kMGT]?)B?", text.strip())
    if match is None or float(match[1]) <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write 1GB or 500MB")
    return int(float(match[1]) * UNITS[match[2]])
