"""Take a portrait and a speech out of a prepared corpus: ``python -m data_prep.sample ROOT``."""

import argparse
import wave
from collections.abc import Sequence
from pathlib import Path

import torch
from torchvision.io import write_png

from talkface.data.layout import ClipReader, read_manifest
from talkface.types import SAMPLE_RATE

PORTRAIT = "portrait.png"
SPEECH = "speech.wav"


def sample(root: Path, split: str, clips: int, output: Path) -> tuple[Path, Path]:
    """Write the first frame of the first clip, and the sound of its speaker's first clips.

    Args:
        root: Folder of the prepared corpus.
        split: Manifest to choose from.
        clips: Most clips whose sound is joined.
        output: Folder of the two files.

    Returns:
        The portrait, an aligned square crop, and the speech, mono at ``SAMPLE_RATE``.

    Raises:
        ManifestNotFoundError: If ``root`` holds no such split.
        ValueError: If the split has no clip.
    """
    records = read_manifest(root, split)
    if not records:
        raise ValueError(f"The split {split!r} of {root} has no clip. Prepare more clips.")
    chosen = [record for record in records if record.speaker == records[0].speaker][:clips]
    readers = [ClipReader(root, record) for record in chosen]
    output.mkdir(parents=True, exist_ok=True)
    write_png(readers[0].frames([0])[0], str(output / PORTRAIT))
    with wave.open(str(output / SPEECH), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", "not compressed"))
        file.writeframes(torch.cat([reader.sound() for reader in readers]).numpy().tobytes())
    return output / PORTRAIT, output / SPEECH


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser("python -m data_prep.sample", description=__doc__)
    parser.add_argument("root", type=Path, help="prepared corpus")
    parser.add_argument("--split", default="test")
    parser.add_argument("--clips", type=int, default=4, help="clips whose sound is joined")
    parser.add_argument("--output", type=Path, required=True, help="folder of the two files")
    options = parser.parse_args(arguments)
    try:
        sample(options.root, options.split, options.clips, options.output)
    except (ValueError, OSError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
