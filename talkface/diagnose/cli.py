"""``talkface diagnose``: the command line of diagnoses."""

import argparse
from dataclasses import fields
from pathlib import Path

from talkface.diagnose.api import DIAGNOSES, diagnose
from talkface.diagnose.subject import Settings
from talkface.figures.options import natural, positive

NUMBERS = {
    "clips": "clips that are rendered and encoded, spread over the split",
    "train_clips": "training clips to fit a reader on and to look for what is repeated",
    "probe_clips": "clips with words for the probe of `leakage`",
    "probe_words": "words that it tells apart",
    "batches": "training batches of `gradients`",
    "batch_size": "windows in each of them",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``talkface diagnose``."""
    parser.description = (
        "Ask what a trained checkpoint has learned: numbers as JSON and as a table, and pictures."
    )
    add, default = parser.add_argument, Settings()
    add("--checkpoint", type=Path, required=True, metavar="CKPT", help="file of `talkface fit`")
    add("--data.root", dest="root", type=Path, required=True, metavar="DATA", help="corpus folder")
    add("--output", type=Path, required=True, metavar="DIR", help="folder of the results")
    add("--only", type=names, default=[], metavar="A,B", help=f"some of {','.join(DIAGNOSES)}")
    add("--split", default=default.split, help=f"whose clips (default: {default.split})")
    for name, text in NUMBERS.items():
        value = getattr(default, name)
        option = f"--{name.replace('_', '-')}"
        add(option, type=positive, default=value, metavar="N", help=f"{text} (default: {value})")
    add("--seed", type=natural, default=default.seed, help="start of all draws (default: 0)")
    add("--device", default="cpu", help="where to compute (default: cpu)")


def run(options: argparse.Namespace) -> None:
    """Diagnose as the parsed options say; errors as ``api.diagnose``."""
    settings = Settings(**{f.name: getattr(options, f.name) for f in fields(Settings)})
    diagnose(
        options.checkpoint, options.root, options.output, options.only, settings, options.device
    )


def names(text: str) -> list[str]:
    """Names between commas."""
    return [name for name in text.split(",") if name]
