"""Windows per second that the data module gives, out of a folder and out of shards of it."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from talkface.data.datamodule import TalkFaceData
from talkface.data.shard_writer import write_shards
from talkface.data.speed import data_of, measure

SECONDS = 8.0
SHARD = 10**9


def windows_per_second(config: str, arguments: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Of each way to store a corpus, its name and what it gives.

    Args:
        config: Its section ``data`` is used.
        arguments: Command line of ``fit``; only what begins with ``--data.`` counts.
    """
    own = [argument for argument in arguments if argument.startswith("--data.")]
    data = data_of([Path(config)], own)
    workers = "no worker" if data.workers == 0 else f"{data.workers} worker(s)"
    yield f"a folder, {workers}", _rate(data)
    with tempfile.TemporaryDirectory() as folder:
        write_shards(data.root, Path(folder), SHARD)
        yield f"shards, {workers}", _rate(data_of([Path(config)], [*own, f"--data.root={folder}"]))


def _rate(data: TalkFaceData) -> float:
    data.setup("fit")
    return measure(data, SECONDS).rate
