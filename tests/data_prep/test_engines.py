import importlib
from pathlib import Path
from typing import Any

import pytest

from data_prep.corpora import CorpusError
from data_prep.engines import ABRUPT, LocalEngine


@pytest.fixture
def mortal(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, by a name that processes find: another package may be called ``tests``, too."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return importlib.import_module("mortal")


@pytest.mark.slow
def test_a_unit_that_ends_its_process_is_skipped_and_costs_no_other(mortal: Any) -> None:
    outcomes = list(LocalEngine(2).outcomes(mortal.willing, [mortal.Number(i) for i in range(40)]))
    assert sorted(o.unit for o in outcomes) == [mortal.Number(i).id for i in range(40)]
    assert {o.unit: o.reason for o in outcomes if o.reason} == {"013": ABRUPT}


@pytest.mark.slow
def test_a_machine_on_which_every_process_ends_stops_the_run(mortal: Any) -> None:
    with pytest.raises(CorpusError, match="fewer `--workers`"):
        list(LocalEngine(2).outcomes(mortal.deadly, [mortal.Number(i) for i in range(40)]))


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_an_error_of_the_machine_reaches_the_caller(mortal: Any, workers: int) -> None:
    with pytest.raises(OSError, match="No space left"):
        list(
            LocalEngine(workers).outcomes(
                mortal.willing, [mortal.Number(i) for i in range(90, 110)]
            )
        )
