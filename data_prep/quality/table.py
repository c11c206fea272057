"""The table ``quality.csv``: one clip per line, in the order of the manifests."""

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from data_prep.quality.measure import Quality
from talkface.data.layout import LayoutError, write_aside

TABLE = "quality.csv"
KINDS: dict[Any, type] = {str: str, int: int, float: float}


def write_table(root: Path, rows: Iterable[Quality]) -> None:
    """Write all rows; unknown figures are empty."""
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, [field.name for field in fields(Quality)], lineterminator="\n")
    table.writeheader()
    for row in rows:
        table.writerow({name: _text(value) for name, value in asdict(row).items()})
    with write_aside(root / TABLE) as file:
        file.write(text.getvalue().encode())


def read_table(root: Path) -> dict[str, Quality]:
    """Rows by clip; none where there is no table.

    Raises:
        LayoutError: If the table is damaged, or of another version.
    """
    path = root / TABLE
    if not path.is_file():
        return {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [_row(line) for line in csv.DictReader(file, strict=True)]
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise LayoutError(
            f"{path} is damaged ({error!r}). Delete it, and measure again."
        ) from error
    return {row.id: row for row in rows}


def _row(line: dict[str, str]) -> Quality:
    values = {field.name: _value(KINDS[field.type], line[field.name]) for field in fields(Quality)}
    return Quality(**values)


def _value(kind: type, text: str) -> Any:
    return math.nan if kind is float and not text else kind(text)


def _text(value: object) -> object:
    if not isinstance(value, float):
        return value
    return "" if math.isnan(value) else f"{value:.6g}"
