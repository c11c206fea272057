"""The list of faults stays true to the code and to its report."""

from pathlib import Path

import pytest

from tests.faults import FAULTS, Fault
from tests.mutations import REPORT, ROOT

ROWS = {line.split(" | ")[0].removeprefix("| "): line for line in REPORT.read_text().splitlines()}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_can_be_made_and_its_test_exists(fault: Fault) -> None:
    assert (ROOT / fault.file).read_text().count(fault.right) == 1
    _, where, found = ROWS[fault.name].strip("| ").split(" | ")
    name, path = (part.strip("` ") for part in found.split(", "))
    assert where == fault.file
    assert f"def {name}(" in (ROOT / path).read_text()


def test_the_report_has_no_other_faults() -> None:
    assert len([line for line in ROWS.values() if ".py |" in line or ".yaml |" in line]) == len(
        FAULTS
    )


def test_there_are_at_least_twenty_faults_in_losses_generator_and_step() -> None:
    parts = {Path(fault.file).parts[1] for fault in FAULTS}
    assert len({fault.name for fault in FAULTS}) >= 20
    assert {"losses", "models", "system"} <= parts
