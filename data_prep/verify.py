"""Verifying a prepared folder: everything is read again, in parallel."""

import dataclasses
import json
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tqdm import tqdm

from data_prep.check import check_clip, check_person
from data_prep.claim import LEFTOVERS, OWNER, claim
from data_prep.corpora.raw import CorpusError
from data_prep.engines import Engine
from data_prep.job import SETTINGS, Outcome
from data_prep.worker import reason_to_skip, unseen
from talkface.data.layout import (
    SPLITS,
    ClipRecord,
    LayoutError,
    read_corpus,
    read_manifest,
    read_record,
)
from talkface.data.portrait_layout import SPLITS as PORTRAIT_SPLITS
from talkface.data.portrait_layout import Person, read_entries, read_person, read_portraits

KINDS = ("clips", "people")
"""Folders of what is stored, by kind of corpus."""

logger = logging.getLogger("data_prep")


@dataclass(frozen=True)
class Stored:
    """A clip or a person that is stored, or should be."""

    id: str


@dataclass
class Findings:
    """What is wrong with a folder.

    Attributes:
        checked: Clips, or people.
        broken: Reasons by clip or person, which can be made anew.
        lists: What is wrong with manifests, which any run writes anew.
        leftovers: Files that a killed run left half-written; the next run removes them.
    """

    checked: int = 0
    broken: dict[str, str] = field(default_factory=dict)
    lists: list[str] = field(default_factory=list)
    leftovers: int = 0

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong; leftovers harm nobody."""
        return not (self.broken or self.lists)


def tell(findings: Findings) -> None:
    """Log all findings, and how many there are."""
    for name, reason in findings.broken.items():
        logger.warning("broken %s: %s", name, reason)
    for line in findings.lists:
        logger.warning("manifest: %s", line)
    counts = (findings.checked, len(findings.broken), len(findings.lists), findings.leftovers)
    logger.info("%d verified: %d broken, %d faults of manifests, %d leftovers", *counts)


class Checker:
    """Checks one clip, or person.

    Args:
        root: Folder of the corpus.
        kind: One of ``KINDS``.
        side: Side S of the crops in pixels.

    Raises:
        CorpusError: This machine does not see the folder.
    """

    def __init__(self, root: Path, kind: str, side: int) -> None:
        if not (root / kind).is_dir():
            raise unseen(root)
        self._root, self._side = root, side
        self._check = check_clip if kind == "clips" else check_person

    def __call__(self, unit: Stored) -> Outcome:
        """Whatever is wrong becomes the reason."""
        try:
            self._check(self._root, unit.id, self._side)
        except Exception as error:  # damage takes any form
            return Outcome(unit.id, reason=reason_to_skip(error))
        return Outcome(unit.id)


def verify(root: Path, engine: Engine) -> Findings:
    """Read everything that is stored, and what the manifests name.

    Args:
        root: A prepared folder, complete or not; nothing in it is changed.
        engine: Who reads.

    Raises:
        CorpusError: It is no prepared folder.
    """
    kind, side = _settings(root)
    findings = Findings()
    named = _named(root, kind, findings)
    units = [Stored(name) for name in sorted(_written(root, kind) | named)]
    findings.checked = len(units)
    findings.leftovers = sum(not p.name.startswith(f".{OWNER}") for p in root.rglob(LEFTOVERS))
    broken = {}
    with tqdm(desc="verifying", total=len(units), unit=kind, smoothing=0.1) as bar:
        start = partial(Checker, root, kind, side)
        for outcome in engine.outcomes(start, units) if units else ():
            if outcome.reason is not None:
                broken[outcome.unit] = outcome.reason
            bar.update()
    findings.broken = {unit.id: broken[unit.id] for unit in units if unit.id in broken}
    return findings


def forget(root: Path, broken: Sequence[str]) -> None:
    """Make clips or people count as missing, so that the next run makes them anew.

    Raises:
        CorpusError: Another run works in the folder.
    """
    kind, _ = _settings(root)
    with claim(root):
        for name in broken:
            (root / kind / f"{name}.json").unlink(missing_ok=True)


def _settings(root: Path) -> tuple[str, int]:
    """Kind and side, also of a folder whose preparation has not ended."""
    kinds = [kind for kind in KINDS if (root / kind).is_dir()]
    for name in ("corpus.json", SETTINGS):
        try:
            side = int(json.loads((root / name).read_text())["side"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if kinds:
            return kinds[0], side
    raise CorpusError(
        f"{root} holds nothing that could be verified: neither {' nor '.join(KINDS)} with the "
        f"{SETTINGS} of a preparation. Give `--output` of a prepared corpus."
    )


def _written(root: Path, kind: str) -> set[str]:
    folder = root / kind
    files = folder.rglob("[!.]*.json")
    return {path.relative_to(folder).as_posix().removesuffix(".json") for path in files}


def _named(root: Path, kind: str, findings: Findings) -> set[str]:
    """What the manifests name; what contradicts the records is put into ``findings``."""
    if not (root / "corpus.json").is_file():
        return set()
    try:
        return (_named_clips if kind == "clips" else _named_people)(root, findings)
    except (LayoutError, OSError) as error:
        findings.lists.append(str(error))
        return set()


def _named_clips(root: Path, findings: Findings) -> set[str]:
    words, names = set(read_corpus(root).words), Counter[str]()
    for split in _present(root, SPLITS):
        for row in read_manifest(root, split):
            names[row.id] += 1
            if _record(root, row) not in (None, row):
                findings.lists.append(f"{split}.jsonl: {row.id} differs from what is stored.")
            if row.split != split or not {span.word for span in row.words} <= words:
                findings.lists.append(f"{split}.jsonl: {row.id} has another split, or new words.")
    findings.lists += [f"{name} is listed {n} times." for name, n in names.items() if n > 1]
    return set(names)


def _named_people(root: Path, findings: Findings) -> set[str]:
    splits = {split: list(read_entries(root, split)) for split in _present(root, PORTRAIT_SPLITS)}
    for split, entries in splits.items():
        for entry in entries:
            person = _person(root, entry.id)
            spans = set(person.spans(range(len(person.pictures)))) if person else set()
            if person and not set(entry.spans) <= spans:
                findings.lists.append(f"{split}.jsonl: {entry.id} differs from what is stored.")
    names = {split: {entry.id for entry in entries} for split, entries in splits.items()}
    train, unseen = names.get("train", set()), names.get("unseen", set())
    if set(read_portraits(root).people) != train or train & unseen:
        findings.lists.append("corpus.json does not name the people of train.jsonl, and no other.")
    return set().union(*names.values())


def _record(root: Path, row: ClipRecord) -> ClipRecord | None:
    try:  # earlier versions kept the split of an earlier run in the record
        return dataclasses.replace(read_record(root, row.id), split=row.split)
    except (LayoutError, OSError):
        return None


def _person(root: Path, name: str) -> Person | None:
    try:
        return read_person(root, name)
    except (LayoutError, OSError):
        return None


def _present(root: Path, splits: Sequence[str]) -> list[str]:
    return [split for split in splits if (root / f"{split}.jsonl").is_file()]
