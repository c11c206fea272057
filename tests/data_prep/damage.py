"""Ways to damage a clip, its text, its sound or its landmarks."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from tests.data_prep.film import WHOLE, Film, write_film

LANDMARKS = ".landmarks.npy"

Damage = Callable[[Path, random.Random], object]


def cut(path: Path, rng: random.Random) -> None:
    """Keep the beginning, at least a byte."""
    content = path.read_bytes()
    path.write_bytes(content[: rng.randrange(1, len(content))])


def flips(first: float, last: float, most: int) -> Damage:
    """Turn up to ``most`` bits over, between two shares of the file."""

    def damage(path: Path, rng: random.Random) -> None:
        content = bytearray(path.read_bytes())
        for _ in range(rng.randint(1, most)):
            place = int(rng.uniform(first, last) * (len(content) - 1))
            content[place] ^= 1 << rng.randrange(8)
        path.write_bytes(content)

    return damage


def film(frames: int = 29, **fields: object) -> Damage:
    """Another film, with the landmarks of so many frames."""
    return lambda path, _rng: write_film(path, replace(WHOLE, **fields), frames)  # type: ignore[arg-type]


def holds(content: bytes | str, suffix: str | None = None) -> Damage:
    """Other content of the video, or of the file with ``suffix`` beside it."""
    data = content.encode() if isinstance(content, str) else content
    return lambda path, _rng: (path.with_suffix(suffix) if suffix else path).write_bytes(data)


def both(*damages: Damage) -> Damage:
    """One after the other."""

    def damage(path: Path, rng: random.Random) -> None:
        for one in damages:
            one(path, rng)

    return damage


def gone(suffix: str | None = None) -> Damage:
    """No such file."""
    return lambda path, _rng: (path.with_suffix(suffix) if suffix else path).unlink()


def special(make: Callable[[Path], object], suffix: str | None = None) -> Damage:
    """No file but something else of that name."""

    def damage(path: Path, _rng: random.Random) -> None:
        place = path.with_suffix(suffix) if suffix else path
        place.unlink(missing_ok=True)
        make(place)

    return damage


def marks(change: Callable[[np.ndarray], np.ndarray]) -> Damage:
    """Other landmarks."""

    def damage(path: Path, _rng: random.Random) -> None:
        place = path.with_suffix(".landmarks.npy")
        np.save(place, change(np.load(place)), allow_pickle=True)

    return damage


def unknown(first: int, last: int) -> Damage:
    """No landmarks in some frames."""

    def change(points: np.ndarray) -> np.ndarray:
        points[first:last] = np.nan
        return points

    return marks(change)


def wav(video: Path) -> Path:
    return video.parents[1] / "AudioWAV" / f"{video.stem}.wav"


def png(path: Path) -> None:
    Image.new("RGB", (128, 96), "red").save(path, "PNG")


def huge_header(path: Path) -> None:
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (29, 68, 2000000000), }"
    padded = header.ljust(117) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded.encode())


def locked(path: Path) -> None:
    path.write_bytes(b"secret")
    path.chmod(0)


def vfr(path: Path, rng: random.Random) -> None:
    steps = [0.02] * 9 + [0.04] * 9 + [0.06] * 9
    rng.shuffle(steps)
    times = np.cumsum([0.0, *steps, 0.04]).round(3)
    write_film(path, Film(times=tuple(times.tolist())))
