"""Raw corpora in which nothing is as it should be: 200 clips, each damaged in a known way."""

import os
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.data_prep.damage import (
    LANDMARKS,
    Damage,
    both,
    cut,
    film,
    flips,
    gone,
    holds,
    huge_header,
    locked,
    marks,
    png,
    special,
    unknown,
    vfr,
    wav,
)
from tests.data_prep.film import SECONDS, WHOLE, filmed, write_film, write_tone
from tests.data_prep.trees import ALIGN, write_wav

KEPT, SKIPPED, EITHER = "kept", "skipped", "either"
"""What must become of a clip; either: what is kept must be right."""

TEXT = "Disk reference: 6110\nChannel: BBC1\nDuration: 0.40 seconds\n"


@dataclass(frozen=True)
class Kind:
    """A way to damage a clip.

    Attributes:
        fate: What must become of it.
        damage: Takes the path of the video, beside which everything is healthy.
        count: How many clips are damaged so.
        name: Name of the files, in which ``#`` is the number.
    """

    fate: str
    damage: Damage = lambda _path, _rng: None
    count: int = 1
    name: str = "ABOUT_#"


ODD_NAMES = (
    "Grüße 世界 #",
    'it\'s "so" #',
    " blank  # ",
    "a:b?c=%d&#",
    "line\nbreak #",
    "#" + "x" * 236,
)
FIRST_TEN = tuple(t / 10 for t in range(12))
HELD = (*(t / 25 for t in range(28)), 3_000.0)

VIDEO_KINDS: Mapping[str, Kind] = {
    "cut short, index at the end": Kind(SKIPPED, cut, 8),
    "cut short, index first": Kind(EITHER, both(film(index_first=True), cut), 10),
    "bits flipped, a few in the middle": Kind(EITHER, flips(0.1, 0.8, 3), 16),
    "bits flipped, many": Kind(EITHER, flips(0.0, 1.0, 200), 9),
    "bits flipped in the index": Kind(EITHER, flips(0.85, 1.0, 12), 16),
    "bits flipped at the start": Kind(
        EITHER, both(film(index_first=True), flips(0.0, 0.05, 4)), 12
    ),
    "text": Kind(SKIPPED, holds("Once upon a time " * 99)),
    "playlist": Kind(SKIPPED, holds("#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n")),
    "list of files": Kind(SKIPPED, holds("ffconcat version 1.0\nfile ABOUT_00001.mp4\n")),
    "PNG": Kind(SKIPPED, lambda p, _r: png(p)),
    "WAV": Kind(SKIPPED, lambda p, _r: write_wav(p, SECONDS)),
    "MPEG named .mp4": Kind(KEPT, lambda p, _r: p.write_bytes(filmed(WHOLE, ".mpg"))),
    "0 bytes": Kind(SKIPPED, holds("")),
    "no pictures": Kind(SKIPPED, film(times=())),
    "one picture": Kind(SKIPPED, film(frames=1, times=(0.0,)), 2),
    "11 pictures": Kind(SKIPPED, film(frames=11, times=WHOLE.times[:11], sound=0.44)),
    "60 pictures": Kind(SKIPPED, film(frames=60, times=tuple(t / 25 for t in range(60)), sound=3)),
    "a picture held for an hour": Kind(SKIPPED, film(times=HELD)),
    "variable rate": Kind(KEPT, vfr, 6),
    "turned by 90": Kind(KEPT, film(turns=1), 2),
    "turned by 180": Kind(KEPT, film(turns=2), 2),
    "turned by 270": Kind(KEPT, film(turns=3), 2),
    "10 per second": Kind(KEPT, film(frames=30, times=FIRST_TEN)),
    "60 per second": Kind(KEPT, film(times=tuple(t / 60 for t in range(70)))),
    "101 x 77": Kind(KEPT, film(size=(101, 77))),
    "8 x 8": Kind(SKIPPED, film(size=(8, 8))),
    "1280 x 960": Kind(KEPT, film(size=(1280, 960))),
    "no sound": Kind(SKIPPED, film(sound=0.0)),
    "7.1": Kind(KEPT, film(rate=48_000, layout="7.1")),
    "8 kHz": Kind(KEPT, film(rate=8_000)),
    "sound too short": Kind(SKIPPED, film(sound=0.3)),
    "sound too long": Kind(KEPT, film(sound=20.0)),
    **{f"named {name!r:.16}": Kind(KEPT, name=name) for name in ODD_NAMES[:-1]},
    "named with 241 letters": Kind(SKIPPED, name=ODD_NAMES[-1]),
    "a folder": Kind(SKIPPED, special(Path.mkdir)),
    "a broken link": Kind(SKIPPED, special(lambda p: p.symlink_to("nowhere"))),
    "a link to itself": Kind(SKIPPED, special(lambda p: p.symlink_to(p.name))),
    "a pipe": Kind(SKIPPED, special(os.mkfifo)),
    "a link to a device": Kind(SKIPPED, special(lambda p: p.symlink_to("/dev/zero"))),
    "may not be read": Kind(SKIPPED if os.geteuid() else EITHER, special(locked)),
}

TEXT_KINDS: Mapping[str, Kind] = {
    "no text": Kind(SKIPPED, gone(".txt")),
    "empty text": Kind(SKIPPED, holds("", ".txt")),
    "text of noise": Kind(SKIPPED, holds(bytes(range(256)), ".txt")),
    "text without a duration": Kind(SKIPPED, holds("Channel: BBC1\n", ".txt")),
    "word longer than the clip": Kind(SKIPPED, holds("Duration: 987.1 seconds\n", ".txt")),
    "word of 0 seconds": Kind(SKIPPED, holds("Duration: 0.0 seconds\n", ".txt")),
    "text is a folder": Kind(SKIPPED, special(Path.mkdir, ".txt")),
    "text is a pipe": Kind(SKIPPED, special(os.mkfifo, ".txt")),
    "JSON cut short": Kind(SKIPPED, holds('{"word_start": 0.', ".json")),
    "JSON of noise": Kind(SKIPPED, holds(bytes(range(256)), ".json")),
    "JSON nested too deep": Kind(SKIPPED, holds("[" * 100_000, ".json")),
    "times are words": Kind(SKIPPED, holds('{"word_start": "a", "word_end": "b"}', ".json")),
    "times are null": Kind(SKIPPED, holds('{"word_start": null, "word_end": []}', ".json")),
    "times are NaN": Kind(SKIPPED, holds('{"word_start": NaN, "word_end": Infinity}', ".json")),
    "times run backwards": Kind(SKIPPED, holds('{"word_start": 0.8, "word_end": 0.2}', ".json")),
    "times are before": Kind(SKIPPED, holds('{"word_start": -9, "word_end": -8}', ".json")),
    "times are after": Kind(SKIPPED, holds('{"word_start": 30, "word_end": 31}', ".json")),
    "no landmarks": Kind(SKIPPED, gone(LANDMARKS)),
    "landmarks cut short": Kind(SKIPPED, lambda p, r: cut(p.with_suffix(LANDMARKS), r), 3),
    "landmarks unknown": Kind(SKIPPED, unknown(0, 29)),
    "landmarks unknown for 4 frames": Kind(KEPT, unknown(9, 13)),
    "landmarks infinite": Kind(SKIPPED, marks(lambda m: m + np.inf)),
    "landmarks in one place": Kind(SKIPPED, marks(lambda m: m * 0 + 50)),
    "landmarks far away": Kind(SKIPPED, marks(lambda m: m * 1e30)),
    "landmarks of 28 frames": Kind(SKIPPED, marks(lambda m: m[1:])),
    "landmarks without an axis": Kind(SKIPPED, marks(lambda m: m[0, 0, 0])),
    "landmarks are words": Kind(SKIPPED, marks(lambda m: m.astype(str).astype("<U3") + "x")),
    "landmarks are objects": Kind(SKIPPED, marks(lambda m: m.astype(object))),
    "landmarks are fields": Kind(SKIPPED, marks(lambda m: m.astype([("x", "f4"), ("y", "f4")]))),
    "landmarks are complex": Kind(SKIPPED, marks(lambda m: m.astype(complex))),
    "landmarks promise much": Kind(SKIPPED, special(huge_header, LANDMARKS)),
    "landmarks are a pipe": Kind(SKIPPED, special(os.mkfifo, LANDMARKS)),
}


GRID_KINDS: Mapping[str, Kind] = {
    "healthy MPEG": Kind(KEPT, count=3),
    "MPEG cut short": Kind(EITHER, cut, 6),
    "MPEG, bits flipped": Kind(EITHER, flips(0.0, 1.0, 20), 6),
    "MPEG of text": Kind(SKIPPED, holds("Once upon a time " * 99)),
    "MPEG is a folder": Kind(SKIPPED, special(Path.mkdir)),
    "MPEG is a broken link": Kind(SKIPPED, special(lambda p: p.symlink_to("nowhere"))),
    "MPEG is a pipe": Kind(SKIPPED, special(os.mkfifo)),
    "no align file": Kind(SKIPPED, gone(".align")),
    "align file of noise": Kind(SKIPPED, holds(bytes(range(256)), ".align")),
    "align file that leaves the folder": Kind(SKIPPED, holds("0 9000 ../../bin\n", ".align")),
    "align file that runs backwards": Kind(SKIPPED, holds("9000 100 bin\n", ".align")),
    "align file is a pipe": Kind(SKIPPED, special(os.mkfifo, ".align")),
}

CREMAD_KINDS: Mapping[str, Kind] = {
    "healthy FLV": Kind(KEPT, count=4),
    "FLV cut short": Kind(EITHER, cut, 4),
    "FLV, bits flipped": Kind(EITHER, flips(0.0, 1.0, 6), 4),
    "WAV cut short": Kind(EITHER, lambda p, r: cut(wav(p), r), 3),
    "WAV header, bits flipped": Kind(EITHER, lambda p, r: flips(0, 0.0011, 4)(wav(p), r), 6),
    "WAV of text": Kind(SKIPPED, lambda p, _r: wav(p).write_text("Once upon a time " * 99)),
    "WAV of 0 bytes": Kind(SKIPPED, lambda p, _r: wav(p).write_bytes(b"")),
    "WAV is a pipe": Kind(SKIPPED, lambda p, r: special(os.mkfifo)(wav(p), r)),
}


@dataclass(frozen=True)
class Damaged:
    """A damaged clip: its id, in which way, and what must become of it."""

    id: str
    kind: str
    fate: str


def damaged_corpora(root: Path, seed: int = 0) -> dict[Path, list[Damaged]]:
    """Corpora in which no clip is healthy, by their folders ``root/COMMAND``."""
    rng = random.Random(seed)
    makers = {"lrw": _lrw, "grid": _grid, "cremad": _cremad}
    return {root / name: list(make(root / name, rng)) for name, make in makers.items()}


def _numbered(kinds: Mapping[str, Kind]) -> Iterator[tuple[str, Kind, int]]:
    every = [(kind, entry) for kind, entry in kinds.items() for _ in range(entry.count)]
    for number, (kind, entry) in enumerate(every):
        yield kind, entry, number


def _lrw(root: Path, rng: random.Random) -> Iterator[Damaged]:
    for kind, entry, number in _numbered({**VIDEO_KINDS, **TEXT_KINDS}):
        split, name = (
            "val" if number % 9 == 0 else "train",
            entry.name.replace("#", f"{number:05d}"),
        )
        path = root / "lipread_mp4" / "ABOUT" / split / f"{name}.mp4"
        write_film(path)
        path.with_suffix(".txt").write_text(TEXT)
        entry.damage(path, rng)
        yield Damaged(f"ABOUT/{split}/{name}", kind, entry.fate)


def _grid(root: Path, rng: random.Random) -> Iterator[Damaged]:
    for kind, entry, number in _numbered(GRID_KINDS):
        name = entry.name.replace("#", f"{number:05d}")
        path = root / "s1" / f"{name}.mpg"
        write_film(path)
        path.with_suffix(".align").write_text(ALIGN.format("bin"))
        entry.damage(path, rng)
        yield Damaged(f"s1/{name}", kind, entry.fate)


def _cremad(root: Path, rng: random.Random) -> Iterator[Damaged]:
    for kind, entry, number in _numbered(CREMAD_KINDS):
        stem = f"{1001 + number}_DFA_ANG_XX"
        path, sound = root / "VideoFlash" / f"{stem}.flv", root / "AudioWAV" / f"{stem}.wav"
        write_film(path)
        sound.parent.mkdir(exist_ok=True)
        write_tone(sound)
        entry.damage(path, rng)
        yield Damaged(f"{1001 + number}/{stem}", kind, entry.fate)
