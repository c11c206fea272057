"""Word leakage: can the word that is spoken be told from the identity features?"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from talkface.data.layout import SPLITS
from talkface.data.records import ClipRecord, ManifestNotFoundError, WordSpan
from talkface.data.windows import ClipDataset
from talkface.diagnose.charts import draw_probe
from talkface.diagnose.finding import Finding
from talkface.diagnose.probe import FOLDS, accuracy, probe
from talkface.diagnose.subject import Subject, on_device
from talkface.metrics.table import ResultTable
from talkface.models.identity import pooled
from talkface.system import TalkFace
from talkface.types import FPS

RUN = 20
"""Frames per run where the model has no word adversary to say it."""

QUESTION = "Can the spoken word be told from identity features, by a linear probe?"
CHUNK = 32
FEWEST = 2
HELD_OUT = tuple(split for split in SPLITS if split != "train")

TITLES = {
    "identity": "identity features (E_i)",
    "lips": "lip codes (E_v)",
    "sound": "sound codes (E_a)",
    "chance": "most frequent word",
}


class Spoken(NamedTuple):
    """A word of a clip."""

    clips: ClipDataset
    record: ClipRecord
    word: WordSpan


class Examples(NamedTuple):
    """Runs of features around words.

    Attributes:
        features: By kind: those of every run and frame.
        labels: Words, as numbers.
        utterances: Names of clips.
    """

    features: dict[str, Float[Tensor, "n t _"]]
    labels: Int64[Tensor, " n"]
    utterances: list[str]


def diagnose(subject: Subject) -> Finding:
    """Probe the features of runs around words, of clips that were not trained on."""
    model, settings = subject.model, subject.settings
    clips = held_out(subject)
    records = [record for part in clips for record in part.records]
    if not any(record.words for record in records):
        return Finding(QUESTION, skipped=f"0 of {len(records)} held-out clips have word labels")
    classifier = model.adversaries.word_classifier
    frames = RUN if classifier is None else classifier.frames
    words, found = chosen(clips, frames, settings.probe_words, settings.probe_clips, settings.seed)
    if len(words) < FEWEST or len({one.record.id for one in found}) < FOLDS:
        told = f"{len(words)} words in runs of {frames} frames, of {len(records)} held-out clips"
        return Finding(QUESTION, skipped=f"{told}, are too few to tell apart")
    examples = encoded(model, found, words, frames)
    finding = measure(examples, settings.seed)
    finding.table.details["words"] = dict(Counter(one.word.word for one in found))
    finding.table.notes.append(
        f"{len(found)} runs of {frames} frames around {len(words)} words ({', '.join(words)}), "
        f"from {len(set(examples.utterances))} held-out clips. Every run is named by a probe "
        "fitted on other clips; intervals are over clips."
    )
    return finding


def held_out(subject: Subject) -> list[ClipDataset]:
    """The clips of all splits but ``train``, as far as the corpus has them."""
    found = []
    for split in HELD_OUT:
        try:
            found.append(subject.split(split))
        except ManifestNotFoundError:
            continue
    return found


def chosen(
    clips: Sequence[ClipDataset], frames: int, most_words: int, most_clips: int, seed: int
) -> tuple[list[str], list[Spoken]]:
    """The words that most clips have, and where they are spoken, in clips drawn at random.

    Args:
        clips: Where to look.
        frames: Frames of the run that has to fit around a word.
        most_words: Most words.
        most_clips: Most clips.
        seed: Start of the draw.
    """
    everywhere = [
        Spoken(part, record, word)
        for part in clips
        for record in part.records
        if len(part.usable(record)) >= frames
        for word in record.words
    ]
    count = Counter(one.word.word for one in everywhere)
    words = sorted(sorted(count), key=lambda word: -count[word])[:most_words]
    having = [one for one in everywhere if one.word.word in words]
    names = sorted({one.record.id for one in having})
    order = torch.randperm(len(names), generator=torch.Generator().manual_seed(seed))
    kept = {names[place] for place in order[:most_clips].tolist()}
    return sorted(words), [one for one in having if one.record.id in kept]


@torch.no_grad()
def encoded(
    model: TalkFace, found: Sequence[Spoken], words: Sequence[str], frames: int
) -> Examples:
    """Features of the run around every word; clips are encoded once, frame by frame as in use."""
    runs: dict[str, list[Tensor]] = {"identity": [], "lips": [], "sound": []}
    codes: dict[str, Tensor] = {}
    last = None
    for one in found:
        if one.record is not last:
            codes, last = encode(model, one), one.record
        first = start(one, frames)
        for name, code in codes.items():
            runs[name].append(code[first : first + frames])
    features = {name: torch.stack(parts) for name, parts in runs.items()}
    labels = torch.tensor([words.index(one.word.word) for one in found])
    return Examples(features, labels, [one.record.id for one in found])


def encode(model: TalkFace, one: Spoken) -> dict[str, Float[Tensor, "t _"]]:
    """What every encoder says of all usable frames of a clip."""
    usable = one.clips.usable(one.record)
    window = one.clips.load(one.record, usable.start, usable.start, len(usable))
    window = on_device(window, model.device)
    parts = window.frames.split(CHUNK, dim=1)
    return {
        "identity": torch.cat([identity_features(model, part)[0] for part in parts]).cpu(),
        "lips": torch.cat([model.encode_video(part).lips[0] for part in parts]).cpu(),
        "sound": model.encode_audio(window.mfcc)[0].cpu(),
    }


def identity_features(
    model: TalkFace, frames: Float[Tensor, "1 t 3 S S"]
) -> Float[Tensor, "1 t e"]:
    """What the word adversary sees; also of models that have none."""
    return pooled(model.identity_encoder(frames[0]))[None]


def start(one: Spoken, frames: int) -> int:
    """Place among the usable frames at which a run begins that has the word in its middle.

    As far as the clip allows.
    """
    usable = one.clips.usable(one.record)
    middle = round((one.word.start + one.word.end) / 2 * FPS) - usable.start
    return min(max(middle - frames // 2, 0), len(usable) - frames)


def measure(examples: Examples, seed: int) -> Finding:
    """Accuracy of the probe by kind of features, and what always guessing one word would give."""
    table = ResultTable(titles=TITLES)
    chance = torch.zeros(0)
    for name, features in examples.features.items():
        result = probe(features, examples.labels, examples.utterances, seed)
        table.set(name, "words named rightly", accuracy(result.hits, examples.utterances))
        chance = result.guessed
    table.set("chance", "words named rightly", accuracy(chance, examples.utterances))
    cells = {TITLES[name]: row["words named rightly"] for name, row in table.cells.items()}
    guessed = cells[TITLES["chance"]].value
    above = {name: cells[TITLES[name]].value - guessed for name in ("identity", "lips")}
    if above["lips"] > 0:
        share = above["identity"] / above["lips"]
        table.details["leaked_share"] = share
        table.notes.append(
            f"Identity features are {share:.0%} as far above chance as lip codes are."
        )
    return Finding(QUESTION, table, {"leakage": draw_probe(cells, guessed)})
