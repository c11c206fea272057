"""The table of actors of CREMA-D: ``ActorID,Age,Sex,Race,Ethnicity``."""

import csv
from pathlib import Path

from data_prep.corpora.raw import CorpusError
from talkface.data.layout import Demographics

COLUMNS = ("ActorID", "Age", "Sex", "Race", "Ethnicity")


def read_actors(path: Path) -> dict[str, Demographics]:
    """Demographics by actor; none where there is no such file. Empty cells are unknown.

    Raises:
        CorpusError: A column is missing, or an age is no number.
    """
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, skipinitialspace=True)
        missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
        if missing:
            raise CorpusError(
                f"{path} has columns {', '.join(rows.fieldnames or ['none'])}; expected are "
                f"{', '.join(COLUMNS)}. Fetch it again, or remove it to prepare without."
            )
        return dict(_actor(path, row) for row in rows)


def _actor(path: Path, row: dict[str, str | None]) -> tuple[str, Demographics]:
    actor, age, *others = ((row[name] or "").strip() or None for name in COLUMNS)
    if actor is None or not (age is None or age.isdigit()):
        raise CorpusError(
            f"{path} has an actor {actor!r} of age {age!r}; numbers are expected. Correct the "
            "line, or remove the file to prepare without."
        )
    sex, race, ethnicity = others
    return actor, Demographics(None if age is None else int(age), sex, race, ethnicity)
