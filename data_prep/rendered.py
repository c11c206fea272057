"""Corpora of puppets: rendered into ``OUTPUT/raw`` first, then read like others."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from tqdm import tqdm

from data_prep.claim import claim
from data_prep.corpora import (
    CorpusError,
    CremadCorpus,
    FolderPortraits,
    LrwCorpus,
    RawCorpus,
)
from data_prep.puppets import FaceSettings, PuppetSettings, write_corpus, write_gallery
from data_prep.puppets.gallery import VERSION
from data_prep.splits import People, Speakers, SplitBySpeaker, held_out_people
from talkface.data.layout import write_aside

RAW = "raw"
SETTINGS = "puppets.json"
FACES = "puppet-faces"


def render_puppets(output: Path, settings: PuppetSettings) -> RawCorpus:
    """Render what is missing of a puppet corpus, with a progress bar.

    Args:
        output: Folder of the prepared corpus; the videos go to ``raw`` in it.
        settings: What to render.

    Raises:
        CorpusError: The folder holds puppets of other settings, or another run works in it.
        SpeechEngineError: The speech engine is not installed.
        OSError: The folder cannot be written.
    """
    raw = output / RAW
    mine = dataclasses.asdict(settings)
    del mine["workers"]
    if settings.layout == "lrw":
        del mine["layout"]  # which the settings of older folders do not have
    with claim(output), tqdm(desc="rendering", unit="clip", smoothing=0.1) as bar:
        _check_settings(raw / SETTINGS, {**mine, "words": list(settings.words)})

        def show(done: int, total: int) -> None:
            if bar.total is None:
                bar.reset(total)
                bar.initial = bar.n = done
            bar.update(done - bar.n)

        write_corpus(raw, settings, on_clip=show)
    if settings.layout == "lrw":
        return LrwCorpus(raw, name="puppets")
    held_out = Speakers(settings.val_identities, settings.test_identities, settings.seed)
    return SplitBySpeaker(CremadCorpus(raw, name="puppets-cremad"), held_out)


def render_faces(
    output: Path, settings: FaceSettings, held_out: People, workers: int
) -> FolderPortraits:
    """Render what is missing of the still pictures of puppets, with a progress bar.

    Args:
        output: Folder of the prepared corpus; the pictures go to ``raw`` in it.
        settings: What to render.
        held_out: The split that will be prepared: unseen people may have fewer pictures.
        workers: Processes; 0 renders in this one.

    Raises:
        CorpusError: The folder holds puppets of other settings, or people or pictures are too few
            for the split.
        OSError: The folder cannot be written.
    """
    raw, fewest = output / RAW, min(settings.pictures, settings.unseen_pictures)
    if fewest <= held_out.val:
        raise CorpusError(
            f"Some people get {fewest} pictures, but {held_out.val} of each are for validation. "
            "Raise `--pictures` and `--unseen-pictures`, or lower `--val`."
        )
    unseen = held_out_people(settings.people, held_out)
    counts = {
        name: settings.unseen_pictures if name in unseen else settings.pictures
        for name in settings.people
    }
    total = sum(counts.values())
    with claim(output), tqdm(desc="rendering", unit="picture", total=total) as bar:
        _check_settings(raw / SETTINGS, {**dataclasses.asdict(settings), "version": VERSION})
        write_gallery(raw, settings, counts, workers, bar.update)
    return FolderPortraits(raw, name=FACES)


def _check_settings(path: Path, mine: dict[str, Any]) -> None:
    """Refuse to mix puppets of two settings: people could change between the splits."""
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
