"""The puppet corpus: rendered into ``OUTPUT/raw`` first, then read like LRW."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from tqdm import tqdm

from data_prep.corpora import CorpusError, LrwCorpus
from data_prep.puppets import PuppetSettings, write_corpus
from talkface.data.layout import write_aside

RAW = "raw"
SETTINGS = "puppets.json"


def render_puppets(output: Path, settings: PuppetSettings) -> LrwCorpus:
    """Render what is missing of a puppet corpus, with a progress bar.

    Args:
        output: Folder of the prepared corpus; the videos go to ``raw`` in it.
        settings: What to render.

    Raises:
        CorpusError: The folder holds puppets of other settings.
        SpeechEngineError: The speech engine is not installed.
        OSError: The folder cannot be written.
    """
    raw = output / RAW
    _check_settings(raw / SETTINGS, settings)
    with tqdm(desc="rendering", unit="clip", smoothing=0.1) as bar:

        def show(done: int, total: int) -> None:
            if bar.total is None:
                bar.reset(total)
                bar.initial = bar.n = done
            bar.update(done - bar.n)

        write_corpus(raw, settings, on_clip=show)
    return LrwCorpus(raw, name="puppets")


def _check_settings(path: Path, settings: PuppetSettings) -> None:
    """Refuse to mix puppets of two settings: people could change between the splits."""
    mine = dataclasses.asdict(settings)
    del mine["workers"]
    mine["words"] = list(settings.words)
    if not path.is_file():
        with write_aside(path) as file:
            file.write(json.dumps(mine).encode())
        return
    theirs: dict[str, Any] = json.loads(path.read_text())
    changed = {key: theirs.get(key) for key in mine if theirs.get(key) != mine[key]}
    if changed:
        asked = {key: mine[key] for key in changed}
        raise CorpusError(
            f"{path.parent} holds puppets made with {changed}, now asked for is {asked}. Choose "
            "another `--output`, or delete that folder first."
        )
