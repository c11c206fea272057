"""``quality.html``: one file that holds its styles, figures and pictures itself."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from data_prep.quality.charts import counts, distributions, places
from data_prep.quality.limits import Limits
from data_prep.quality.measure import Quality
from data_prep.quality.sheet import cards
from data_prep.run import SKIPPED
from talkface.data.layout import ClipRecord, Corpus, write_aside

PAGE = "quality.html"
LISTED = 200
"""Clips whose reasons are listed; all are in the files."""

NAMED = re.compile(r"^\w+|(?<=; )(?:confidence|sharpness|face)")
"""What a reason is about."""


def write_page(
    root: Path,
    corpus: Corpus,
    records: Sequence[ClipRecord],
    rows: Sequence[Quality],
    limits: Limits,
    out: Mapping[str, str],
) -> None:
    """Write the page of a corpus.

    Args:
        root: Its folder.
        corpus: What its clips share.
        records: All clips.
        rows: Their figures.
        limits: What was asked of them.
        out: Why clips are left out, by name.
    """
    skipped = read_skipped(root)
    shown = cards(root, rows, records)
    text: str = _template().render(
        corpus=corpus,
        rows=rows,
        hours=sum(row.seconds for row in rows) / 3600,
        judges=" and ".join(sorted({row.judge for row in rows})),
        limits={n.replace("_", " "): v for n, v in vars(limits).items() if v is not None},
        places=places(rows, out),
        counts=counts(rows, out),
        distributions=distributions(rows, limits),
        cards=shown,
        on_sheet={card.row.id for card in shown},
        out=out,
        reasons=Counter(name for why in out.values() for name in NAMED.findall(why)),
        skipped=skipped,
        damaged=[row for row in rows if row.problem],
        listed=LISTED,
        style=_style(),
    )
    with write_aside(root / PAGE) as file:
        file.write(text.encode())


def read_skipped(root: Path) -> list[tuple[str, str]]:
    """What preparation skipped, and why; lines that make no sense are left out."""
    path = root / SKIPPED
    if not path.is_file():
        return []
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            fields = json.loads(line)
            found.append((str(fields["id"]), str(fields["reason"])))
        except (ValueError, KeyError, TypeError):
            continue
    return found


@cache
def _template() -> Any:
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")


def _style() -> str:
    """The style of reports, and what only this page has."""
    styles = (files("talkface.report"), files(__package__))
    return "".join(s.joinpath("templates/style.css").read_text(encoding="utf-8") for s in styles)
