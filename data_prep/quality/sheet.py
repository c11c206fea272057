"""The contact sheet of a page of quality: which clips it shows, and a few frames of each."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from data_prep.quality.charts import MEASURES, worst
from data_prep.quality.measure import Quality, looks
from data_prep.run import limited
from talkface.data.layout import ClipReader, ClipRecord, LayoutError
from talkface.report.pictures import data_uri

SHOWN = 200
"""Clips chosen evenly; the worst of every measure are shown besides."""

WORST = 5
"""Clips that are shown because a measure is worst in them, for every measure."""

SIDE = 80
"""Side of a frame on the sheet, in pixels."""

QUALITY = 80


@dataclass(frozen=True)
class Card:
    """A clip on the sheet.

    Attributes:
        row: Its figures.
        uri: A few of its frames side by side, or None where they cannot be read.
        worst: Measures by which it is among the worst.
        figures: Titles and texts of its figures.
    """

    row: Quality
    uri: str | None
    worst: Sequence[str]
    figures: Sequence[tuple[str, str]]


def cards(root: Path, rows: Sequence[Quality], records: Sequence[ClipRecord]) -> list[Card]:
    """The clips of the sheet, in the order of the table."""
    known = {record.id: record for record in records}
    bad = worst(rows, WORST)
    chosen = {row.id for row in limited(rows, SHOWN)} | bad.keys()
    return [
        Card(
            row,
            _picture(root, known[row.id]),
            bad.get(row.id, ()),
            [(measure.title, measure.text(row)) for measure in MEASURES],
        )
        for row in rows
        if row.id in chosen
    ]


def _picture(root: Path, record: ClipRecord) -> str | None:
    try:
        frames = ClipReader(root, record).frames(looks(record.frames))
    except (LayoutError, IndexError):
        return None
    row = frames.permute(2, 0, 3, 1).flatten(1, 2).numpy()
    image = Image.fromarray(row).resize((SIDE * len(frames), SIDE), Image.Resampling.LANCZOS)
    packed = io.BytesIO()
    image.save(packed, "JPEG", quality=QUALITY)
    return data_uri(packed.getvalue(), "image/jpeg")
