"""What ``talkface test`` measures, by its settings."""

from pathlib import Path
from typing import Any

import pytest
from torch import nn

from talkface.callbacks import DetectorReader, MouthMotion, OwnSync, RowFid, TestTable
from talkface.cli.evaluation import Evaluation, Reader
from talkface.faces import LandmarkModelError
from talkface.metrics.pictures import Pictures, Points
from talkface.metrics.reader import FittedReader


class Blind:
    """A detector that finds nobody."""

    def detect(self, frames: Any, *, tracked: bool = False) -> list[list[Any]]:
        return [[] for _ in frames]


def motion_of(evaluation: Evaluation, folder: Path) -> MouthMotion:
    table, sync, motion = evaluation.callbacks(folder)
    assert isinstance(table, TestTable)
    assert isinstance(sync, OwnSync)
    assert isinstance(motion, MouthMotion)
    return motion


def table_of(evaluation: Evaluation, folder: Path) -> TestTable:
    table = evaluation.callbacks(folder)[0]
    assert isinstance(table, TestTable)
    return table


def test_without_a_reader_there_is_only_the_table(tmp_path: Path) -> None:
    evaluation = Evaluation(reader=None, sync=False, strips=7, kept=5)
    (table,) = evaluation.callbacks(tmp_path)
    assert isinstance(table, TestTable)
    assert table.output == tmp_path
    assert (table.strips, table.kept) == (7, 5)


def test_a_detector_also_gives_the_table_its_landmarks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("talkface.cli.evaluation.build_detector", lambda *_: Blind())
    table = table_of(Evaluation(reader="face-alignment"), tmp_path)
    assert isinstance(table.reader, DetectorReader)
    assert [type(judge) for judge in table.judges] == [Pictures, Points]
    table = table_of(Evaluation(), tmp_path)
    assert table.reader is None
    assert [type(judge) for judge in table.judges] == [Pictures]


def test_what_is_missing_is_noted_below_the_table(tmp_path: Path) -> None:
    table = table_of(Evaluation(syncnet=tmp_path / "none.model"), tmp_path)
    (note,) = table.table.notes
    assert note.startswith("LSE is left out: ")


def test_fid_is_entered_by_a_callback_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("talkface.judging.fid_network", nn.Identity)
    callbacks = Evaluation(reader=None, fid=True).callbacks(tmp_path)
    assert [type(callback) for callback in callbacks] == [TestTable, OwnSync, RowFid]


def test_the_reader_is_fitted_unless_another_is_named(tmp_path: Path) -> None:
    assert isinstance(motion_of(Evaluation(), tmp_path).reader, FittedReader)
    assert isinstance(motion_of(Evaluation(reader="fitted"), tmp_path).reader, FittedReader)


@pytest.mark.parametrize("reader", ["mediapipe", "face-alignment"])
def test_a_detector_is_built_by_name_and_read_with(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector, asked = Blind(), []

    def build(name: str, task: Path | None = None) -> Blind:
        asked.append((name, task))
        return detector

    monkeypatch.setattr("talkface.cli.evaluation.build_detector", build)
    task = tmp_path / "face_landmarker.task"
    motion = motion_of(Evaluation(reader=reader, task=task), tmp_path)
    assert isinstance(motion.reader, DetectorReader)
    assert motion.reader.detector is detector
    assert asked == [(reader, task)]


@pytest.mark.parametrize("reader", ["fitted", "face-alignment"])
@pytest.mark.parametrize("foreign", [True, False])
def test_the_control_can_be_left_out(
    reader: Reader, foreign: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("talkface.cli.evaluation.build_detector", lambda *_: Blind())
    assert motion_of(Evaluation(reader=reader, foreign=foreign), tmp_path).foreign is foreign


def test_mediapipe_without_its_file_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(LandmarkModelError, match=r"Download `face_landmarker\.task`"):
        Evaluation(reader="mediapipe").callbacks(tmp_path)


def test_mediapipe_without_its_file_names_the_option_that_talkface_test_has(
    tmp_path: Path,
) -> None:
    with pytest.raises(LandmarkModelError, match=r"evaluation\.task"):
        Evaluation(reader="mediapipe").callbacks(tmp_path)
