"""The command line of ``python -m data_prep``."""

import argparse
from pathlib import Path

from data_prep.engines import cores
from data_prep.faces import CROPS, SOURCES
from data_prep.pack import add_shards
from data_prep.puppets import FaceSettings, PuppetSettings
from data_prep.quality import add_quality
from data_prep.rules import add_rules
from data_prep.splits import Holdout, People, Speakers

PORTRAITS = frozenset({"msceleb", "puppet-faces"})
"""Commands that prepare people, not clips."""

TIMEOUT = 600.0
"""Seconds for a clip: face-alignment takes 40 s on one slow core for 3 s of video."""

LONGEST = 10**6

_CROPS_HELP = (
    "where landmarks come from; `insightface` and `none` are for pictures that are crops already: "
    "the former moves InsightFace's crops into the frame that clips have, the latter scales the "
    "largest centred square (default: insightface for train.rec, else face-alignment)"
)

_WORDS_HELP = (
    "only clips in which one of these is said (CREMA-D: sentences, such as DFA); a number takes so "
    "many, evenly spread over all; an experiment (.yaml) the `data.words` that it trains with"
)

_WINDOWS_HELP = (
    "words: a clip of 29 frames around every word, as LRW has them; sentences are split, not words"
)
_SEARCH_HELP = (
    "search one frame in so many for faces, and more where needed; in between, landmarks come from "
    "what the frames look like (default: 4 with mediapipe, else 1, all frames)"
)
_LAYOUT_HELP = "lrw: words; cremad: sentences in six emotions, .flv and .wav (default: %(default)s)"


def parser(description: str | None) -> argparse.ArgumentParser:
    """The parser with all commands."""
    top = argparse.ArgumentParser(prog="python -m data_prep", description=description)
    commands = top.add_subparsers(dest="corpus", required=True, metavar="CORPUS")
    cremad = commands.add_parser("cremad", help="CREMA-D: sentences in six emotions")
    grid = commands.add_parser("grid", help="GRID: sentences with word times")
    lrw = commands.add_parser("lrw", help="LRW, or anything in its folders")
    msceleb = commands.add_parser(
        "msceleb", help="portraits: a folder of pictures per person, or train.rec of InsightFace"
    )
    puppets = commands.add_parser("puppets", help="rendered faces that talk: made, not read")
    faces = commands.add_parser("puppet-faces", help="rendered portraits: made, not read")
    for command in (cremad, grid, lrw):
        _add_subset(command)
    for command in (cremad, grid, lrw, msceleb):
        command.add_argument("--source", type=Path, required=True, help="folder of the raw corpus")
    add_shards(commands.add_parser("shards", help="a prepared corpus packed into tar files"))
    add_quality(commands.add_parser("quality", help="figures of the clips of a prepared corpus"))
    _add_common(cremad, 128, SOURCES, "face-alignment")
    _add_common(grid, 128, SOURCES, "face-alignment")
    _add_common(lrw, 128, SOURCES, "face-alignment")
    _add_common(msceleb, 256, (*SOURCES, *CROPS), None)
    _add_common(puppets, 128, SOURCES, "sidecar")
    _add_common(faces, 64, SOURCES, "sidecar")
    for command in (cremad, grid, lrw, puppets):
        add_rules(command)
        command.add_argument("--search-every", type=_positive, metavar="N", help=_SEARCH_HELP)
        _add_timeout(command)
    _add_cremad(cremad)
    _add_grid(grid)
    _add_msceleb(msceleb)
    _add_puppets(puppets)
    _add_faces(faces)
    return top


def _add_common(
    command: argparse.ArgumentParser, side: int, sources: tuple[str, ...], landmarks: str | None
) -> None:
    add = command.add_argument
    add("--output", type=Path, required=True, help="folder to prepare")
    add("--side", type=_positive, default=side, help="side of the crops in pixels")
    crops = _CROPS_HELP if "none" in sources else None
    add("--landmarks", choices=sources, default=landmarks, help=crops)
    add("--task", type=Path, help="MediaPipe's face_landmarker.task")
    add("--workers", type=_count, default=cores(), help="local processes; 0: none but this")
    add("--engine", choices=("local", "ray"), default="local", help="who works; ray: a cluster")
    add("--address", help="of the Ray cluster (default: RAY_ADDRESS, or a new one, here)")
    add("--gpus-per-worker", type=float, default=0.0, help="with Ray: 1, or a part like 0.25")
    add("--limit", type=_positive, help="prepare so many clips, or people, only")
    add("--verify", action="store_true", help="read all that is prepared, report, change nothing")
    add("--repair", action="store_true", help="verify, then make anew what is broken or missing")


def _add_timeout(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    why = "skip a clip that takes longer; 0: none does (default: %(default)s)"
    add("--clip-timeout", type=_seconds, default=TIMEOUT, metavar="SECONDS", help=why)


def _add_subset(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--words", nargs="+", metavar="WORD", help=_WORDS_HELP)
    add("--speakers", nargs="+", metavar="NAME", help="only clips of these")


def _add_cremad(command: argparse.ArgumentParser) -> None:
    held_out = Speakers()
    add = command.add_argument
    add("--val", type=_count, default=held_out.val, help="actors for validation")
    add("--test", type=_count, default=held_out.test, help="actors for the test")
    add("--seed", type=int, default=held_out.seed, help="of the split")


def _add_grid(command: argparse.ArgumentParser) -> None:
    holdout = Holdout()
    add = command.add_argument
    add("--align", type=Path, help="folder of the align files (beside the videos)")
    windows = ("sentences", "words")
    add("--windows", choices=windows, default=windows[0], help=_WINDOWS_HELP)
    add("--val", type=_count, default=holdout.val, help="clips per speaker for validation")
    add("--test", type=_count, default=holdout.test, help="clips per speaker for the test")
    add("--seed", type=int, default=holdout.seed, help="of the split")


def _add_msceleb(command: argparse.ArgumentParser) -> None:
    held_out = People()
    add = command.add_argument
    add("--unseen", type=_count, default=held_out.unseen, help="people who are never trained on")
    add("--val", type=_count, default=held_out.val, help="pictures per person for validation")
    add("--least", type=_positive, default=5, help="usable pictures that a person must have")
    add("--seed", type=int, default=held_out.seed, help="of the split")


def _add_puppets(command: argparse.ArgumentParser) -> None:
    settings = PuppetSettings()
    for name, people in (
        ("identities", "training"),
        ("val-identities", "validation"),
        ("test-identities", "the test"),
    ):
        default = getattr(settings, name.replace("-", "_"))
        command.add_argument(f"--{name}", type=_count, default=default, help=f"people for {people}")
    add = command.add_argument
    add("--layout", choices=("lrw", "cremad"), default=settings.layout, help=_LAYOUT_HELP)
    add("--clips-per-identity", type=_positive, default=settings.clips_per_identity)
    add("--raw-side", type=_positive, default=settings.side, help="side of the rendered pictures")
    add("--seed", type=int, default=settings.seed, help="of people and sentences")


def _add_faces(command: argparse.ArgumentParser) -> None:
    settings = FaceSettings()
    add = command.add_argument
    add("--identities", type=_positive, default=settings.identities, help="people to train with")
    add("--pictures", type=_positive, default=settings.pictures, help="pictures of each of them")
    add("--val", type=_count, default=4, help="of which so many are for validation")
    add("--unseen-identities", type=_count, default=settings.unseen_identities, help="other people")
    add("--unseen-pictures", type=_positive, default=settings.unseen_pictures)
    add("--seed", type=_count, default=settings.seed, help="of people and pictures")


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is negative")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number <= LONGEST:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and {LONGEST}")
    return number


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not at least 1")
    return number
