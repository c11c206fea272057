"""Findings as files: one JSON, one text with tables, pictures."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from talkface.data.layout import write_aside
from talkface.diagnose.errors import PlaceError
from talkface.diagnose.finding import Finding
from talkface.figures.output import save
from talkface.metrics.table_text import markdown_rows

FORMAT = 1


def check_place(folder: Path) -> None:
    """Make the folder of the results, before long work.

    Raises:
        PlaceError: If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PlaceError(folder, error.strerror or str(error)) from error


def write(findings: Mapping[str, Finding], protocol: Mapping[str, Any], folder: Path) -> None:
    """Write ``diagnosis.json``, ``diagnosis.md`` and the pictures; each file is whole.

    Raises:
        PlaceError: If a file cannot be written.
        FigureOutputError: If a picture cannot.
    """
    check_place(folder)
    tree = {
        "format": FORMAT,
        "protocol": dict(protocol),
        "diagnoses": {name: finding.to_json() for name, finding in findings.items()},
    }
    texts = {
        "diagnosis.json": json.dumps(tree, indent=1, allow_nan=False) + "\n",
        "diagnosis.md": markdown(findings, protocol),
    }
    for finding in findings.values():
        for name, figure in finding.figures.items():
            save(figure, folder / f"{name}.png")
    try:
        for name, text in texts.items():
            with write_aside(folder / name) as file:
                file.write(text.encode())
    except OSError as error:
        raise PlaceError(folder, error.strerror or str(error)) from error


def markdown(findings: Mapping[str, Finding], protocol: Mapping[str, Any]) -> str:
    """All findings below each other, to be read."""
    lines = ["# Diagnosis", "", "; ".join(f"{name}: {text}" for name, text in protocol.items())]
    for name, finding in findings.items():
        lines += ["", f"## {name}", "", finding.question, ""]
        if finding.skipped:
            lines.append(f"Not made: {finding.skipped}.")
            continue
        lines += markdown_rows(finding.table)
        for note in finding.table.notes:
            lines += ["", note]
        pictures = (f"[{picture}]({picture}.png)" for picture in finding.figures)
        if finding.figures:
            lines += ["", "Pictures: " + ", ".join(pictures)]
    return "\n".join(lines) + "\n"
