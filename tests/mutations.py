"""Puts every fault of ``tests/faults.py`` into a copy of the project to see which test finds it.

``python -m tests.mutations`` runs the tests of each and writes docs/mutations.md.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.faults import FAULTS, Fault

ROOT = Path(__file__).parents[1]
COPIED = ("talkface", "data_prep", "tests", "configs", "docs", "pyproject.toml", "Makefile")
FAILED = re.compile(r"^FAILED (\S+)", re.MULTILINE)
REPORT = ROOT / "docs/mutations.md"


def put(fault: Fault, root: Path) -> None:
    """Put ``fault`` into the project under ``root``.

    Raises:
        ValueError: The text is not there exactly once.
    """
    path = root / fault.file
    text = path.read_text()
    if text.count(fault.right) != 1:
        raise ValueError(f"{fault.file} holds {text.count(fault.right)} times {fault.right!r}")
    path.write_text(text.replace(fault.right, fault.wrong))


def caught_by(fault: Fault) -> str | None:
    """Name of the first fast test that fails with ``fault``, or None if all pass."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, copy / name, ignore=ignored)
            else:
                shutil.copy(source, copy / name)
        put(fault, copy)
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        run = subprocess.run(
            [*command, fault.tests],
            cwd=copy,
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(copy), "WANDB_MODE": "disabled"},
        )
    found = FAILED.search(run.stdout)
    return found[1] if found else None


def written(results: list[tuple[Fault, str | None]]) -> str:
    """The report."""
    lines = [
        "# Faults that the tests find",
        "",
        "Each of these single changes was put into a copy of the project, alone; the fast test",
        "named beside it failed. Made by `python -m tests.mutations`.",
        "",
        "| fault | in | found by |",
        "|---|---|---|",
    ]
    for fault, test in results:
        where, _, name = (test or "").partition("::")
        found = f"`{name.partition('[')[0]}`, {where}" if test else "**nothing**"
        lines.append(f"| {fault.name} | {fault.file} | {found} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Try every fault and write the report; 1 if one went unnoticed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=REPORT)
    output: Path = parser.parse_args().output
    results = []
    for fault in FAULTS:
        results.append((fault, caught_by(fault)))
        sys.stderr.write(f"{fault.name}: {results[-1][1]}\n")
    output.write_text(written(results))
    return int(any(test is None for _, test in results))


if __name__ == "__main__":
    sys.exit(main())
