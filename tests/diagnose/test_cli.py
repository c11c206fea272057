"""The command as users run it, on a checkpoint of a training of seconds."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from talkface.cli import main
from talkface.diagnose.api import DIAGNOSES
from talkface.diagnose.errors import DiagnoseError
from talkface.diagnose.finding import Finding
from talkface.diagnose.report import markdown, write
from talkface.diagnose.subject import spread
from talkface.metrics.table import Cell, ResultTable
from tests.system.test_talkface import all_terms, data, system, trainer


def refused(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    with pytest.raises(SystemExit) as stop:
        main(["diagnose", *args])
    assert stop.value.code == 2
    return capsys.readouterr().err


def test_an_unknown_diagnosis_is_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--checkpoint", "x", "--data.root", "y", f"--output={tmp_path}", "--only=sauces"]
    said = refused(capsys, *given)
    assert "no diagnosis sauces" in said
    assert "sources,retrieval" in said


def test_a_missing_checkpoint_is_one_message(
    tmp_path: Path, prepared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "none.ckpt"
    given = [f"--checkpoint={missing}", f"--data.root={prepared}", f"--output={tmp_path / 'out'}"]
    assert "there is no such file" in refused(capsys, *given)


def test_what_was_not_made_says_why(tmp_path: Path) -> None:
    made = Finding("What?", ResultTable())
    made.table.set("row", "metric", Cell(0.5, 0.1))
    findings = {"made": made, "left": Finding("Why?", skipped="0 of 3 clips have words")}
    write(findings, {"seed": 1}, tmp_path)
    tree = json.loads((tmp_path / "diagnosis.json").read_text())
    assert tree["protocol"] == {"seed": 1}
    assert tree["diagnoses"]["made"]["rows"]["row"]["metric"]["value"] == 0.5
    assert tree["diagnoses"]["left"]["skipped"] == "0 of 3 clips have words"
    text = markdown(findings, {"seed": 1})
    assert "| row | 0.500 ± 0.100 |" in text
    assert "Not made: 0 of 3 clips have words." in text


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DiagnoseError, match="Choose another --output"):
        write({}, {}, tmp_path / "file" / "out")


def test_places_are_spread_over_all() -> None:
    assert spread(10, 3) == [0, 3, 6]
    assert spread(2, 5) == [0, 1]


@pytest.mark.slow
def test_every_diagnosis_of_a_trained_checkpoint(tmp_path: Path, prepared: Path) -> None:
    learner = trainer()
    terms = replace(all_terms(), gan=None)  # Lightning keeps a D_seq as settings, not as a network
    learner.fit(system(terms), data(prepared))
    checkpoint = tmp_path / "last.ckpt"
    learner.save_checkpoint(checkpoint)
    given = [f"--checkpoint={checkpoint}", f"--data.root={prepared}", f"--output={tmp_path}"]
    main(["diagnose", *given, "--split=train", "--clips=2", "--batches=1", "--batch-size=2"])
    tree = json.loads((tmp_path / "diagnosis.json").read_text())
    assert list(tree["diagnoses"]) == list(DIAGNOSES)
    assert tree["protocol"]["split"] == "train"
    made = {name for name, one in tree["diagnoses"].items() if "skipped" not in one}
    assert made == set(DIAGNOSES) - {"leakage"}, "two held-out clips are too few for a probe"
    for name in made:
        for picture in tree["diagnoses"][name]["pictures"]:
            assert (tmp_path / picture).stat().st_size > 1000
    assert "## gradients" in (tmp_path / "diagnosis.md").read_text()
