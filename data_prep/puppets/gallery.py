"""Still pictures of many puppets, in a folder per person as face corpora have them.

``face000000/0000.jpg`` with ``0000.landmarks.npy`` beside it, float32 of 1 x 68 x 2 in pixels. The
picture is written last: with it everything of it is there.
"""

import math
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

from data_prep.corpora.raw import SIDECAR
from data_prep.processes import settle
from data_prep.puppets.portrait import draw_portrait
from data_prep.puppets.puppet import SIDE_STEP, check_side
from talkface.data.layout import write_aside

VERSION = 1
"""Raise it when the same seeds give other pictures."""

_FIRST_PERSON = 1_000_000_000
"""Seeds of people from here on: none of them is one of the talking puppets."""

_PEOPLE_PER_SEED = 100_000
_PREFIX = "face"
_QUALITY = 92


@dataclass(frozen=True)
class FaceSettings:
    """What to render.

    Attributes:
        identities: People to train with.
        unseen_identities: Other people, never trained with.
        pictures: Pictures of each of the former.
        unseen_pictures: Pictures of each of the latter.
        side: Side of the pictures in pixels, a multiple of 32.
        seed: Another seed means other people and pictures.
    """

    identities: int = 100
    unseen_identities: int = 20
    pictures: int = 20
    unseen_pictures: int = 10
    side: int = 96
    seed: int = 0

    def __post_init__(self) -> None:
        check_side(self.side)
        if self.seed < 0 or self.total > _PEOPLE_PER_SEED:
            msg = f"At most {_PEOPLE_PER_SEED} people, and no negative seed; found {self}."
            raise ValueError(msg)

    @staticmethod
    def side_for(crop: int) -> int:
        """Side of pictures whose faces are about as large as crops of side ``crop`` show them."""
        return SIDE_STEP * math.ceil(1.5 * crop / SIDE_STEP)

    @property
    def total(self) -> int:
        """Number of people."""
        return self.identities + self.unseen_identities

    @property
    def people(self) -> list[str]:
        """Names of all people."""
        return [f"{_PREFIX}{i:06d}" for i in range(self.total)]


def write_gallery(
    root: Path,
    settings: FaceSettings,
    counts: Mapping[str, int],
    workers: int = 2,
    on_pictures: Callable[[int], None] = lambda new: None,
) -> None:
    """Render the pictures that are missing.

    Args:
        root: Folder of the people; made if need be.
        settings: What to render.
        counts: How many pictures of whom, by name.
        workers: Processes; 0 renders in this one.
        on_pictures: Called with the number of new pictures whenever a person is finished.

    Raises:
        OSError: The folder cannot be written.
    """
    tasks = [(root / name, settings, count) for name, count in counts.items()]
    if workers == 0:
        for task in tasks:
            on_pictures(_write_person(*task))
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=settle) as pool:
        pending = [pool.submit(_write_person, *task) for task in tasks]
        try:
            for future in as_completed(pending):
                on_pictures(future.result())
        finally:
            pool.shutdown(cancel_futures=True)


def _write_person(folder: Path, settings: FaceSettings, count: int) -> int:
    """Render what is missing of one person; returns how many pictures there now are."""
    number = int(folder.name.removeprefix(_PREFIX))
    identity = _FIRST_PERSON + settings.seed * _PEOPLE_PER_SEED + number
    for take in range(count):
        path = folder / f"{take:04d}.jpg"
        if path.is_file():
            continue
        picture, points = draw_portrait(identity, take, settings.side)
        with write_aside(path.with_suffix(SIDECAR)) as file:
            np.save(file, points[None])
        buffer = BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=_QUALITY)
        with write_aside(path) as file:
            file.write(buffer.getvalue())
    return count
