"""Manifests without the clips that are left out, from which they can be had back.

::

    ROOT/left_out.jsonl    id, reason, place in the full manifest, and record of each such clip

No clip is in neither a manifest nor that file at any moment, so that an interrupted run loses none.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_prep.corpora.raw import CorpusError
from data_prep.run import LEFT_OUT
from talkface.data.layout import SPLITS, ClipRecord, read_manifest, write_aside
from talkface.data.records import damaged, format_row, parse_fields, parse_record


@dataclass(frozen=True)
class LeftOut:
    """A clip that is in no manifest.

    Attributes:
        id: Its name.
        reason: Why.
        place: Where in the full manifest of its split it was.
        record: The line that it had there.
    """

    id: str
    reason: str
    place: int
    record: ClipRecord


def read_left_out(root: Path) -> list[LeftOut]:
    """The clips that an earlier run left out.

    Raises:
        LayoutError: If the list is damaged.
    """
    path = root / LEFT_OUT
    if not path.is_file():
        return []
    return [_parsed(path, line) for line in path.read_text().splitlines() if line.strip()]


def read_all(root: Path) -> dict[str, list[ClipRecord]]:
    """The full manifests, with all clips that were left out back in their places.

    Raises:
        LayoutError: If a manifest or the list is damaged.
    """
    paths = {split: root / f"{split}.jsonl" for split in SPLITS}
    full = {split: read_manifest(root, split) for split in SPLITS if paths[split].is_file()}
    present = {record.id for records in full.values() for record in records}
    for clip in sorted(read_left_out(root), key=lambda clip: clip.place):
        if clip.id not in present:
            full.setdefault(clip.record.split, []).insert(clip.place, clip.record)
    return full


def select(
    root: Path, full: Mapping[str, Sequence[ClipRecord]], reasons: Mapping[str, str]
) -> None:
    """Write the manifests without the clips that have a reason; all others come back.

    Args:
        root: Folder of the corpus, locked.
        full: All clips, as ``read_all`` gives them.
        reasons: Why a clip is left out, by its name.

    Raises:
        CorpusError: A split would have no clip left; nothing has changed then.
    """
    for split, records in full.items():
        if records and all(record.id in reasons for record in records):
            raise CorpusError(
                f"Not one of the {len(records)} clips of {split!r} keeps to these limits; "
                f"{records[0].id!r}, for instance: {reasons[records[0].id]}. Nothing is changed. "
                "Choose limits by the figures in quality.csv."
            )
    before = {clip.id: clip.reason for clip in read_left_out(root)}
    _list(root, full, {**before, **reasons})
    for split, records in full.items():
        lines = [format_row(record) + "\n" for record in records if record.id not in reasons]
        _replace(root / f"{split}.jsonl", lines)
    _list(root, full, reasons)


def _list(root: Path, full: Mapping[str, Sequence[ClipRecord]], reasons: Mapping[str, str]) -> None:
    clips = [
        LeftOut(record.id, reasons[record.id], place, record)
        for records in full.values()
        for place, record in enumerate(records)
        if record.id in reasons
    ]
    _replace(root / LEFT_OUT, [format_row(clip) + "\n" for clip in clips])


def _replace(path: Path, lines: Iterable[str]) -> None:
    """Write a file unless it says the same already; one without lines is removed."""
    content = "".join(lines).encode()
    if not content:
        path.unlink(missing_ok=True)
    elif not path.is_file() or path.read_bytes() != content:
        with write_aside(path) as file:
            file.write(content)


def _parsed(path: Path, line: str) -> LeftOut:
    fields = parse_fields(path, line)
    try:
        record = parse_record(path, json.dumps(fields["record"]))
        return LeftOut(fields["id"], fields["reason"], fields["place"], record)
    except (KeyError, TypeError) as error:
        raise damaged(path, error) from error
