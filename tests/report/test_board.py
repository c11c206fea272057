import importlib.util
from pathlib import Path
from typing import Any

import pytest
import wandb

from talkface.report.comparison import Comparison, compare
from talkface.report.errors import BoardError
from talkface.report.palette import color
from talkface.report.publish import check_ready, publish
from talkface.report.runs import find_runs
from tests.report.fakes import psnr, write_run

pytest.importorskip("wandb_workspaces", reason="the extra `reports` is not installed")

from wandb_workspaces.reports.v2 import interface as wr
from wandb_workspaces.workspaces import Workspace

from talkface.report import board


def comparison(root: Path, *, boards: bool = True) -> Comparison:
    """Two arms with runs on W&B, one of them continued and tested in runs of their own."""
    for name in ("base", "other"):
        config = {"wandb": {"project": "faces", "entity": "team", "group": name}}
        folder = write_run(root / name / "seed0", psnr(20, 21), config=config)
        places = [folder / "wandb" / f"run-1_2-{name}1", folder / "wandb" / f"run-3_4-{name}2"]
        places.append(folder / "test" / "wandb" / f"offline-run-5_6-{name}3")
        for place in places if boards else []:
            place.mkdir(parents=True)
    return compare(find_runs([str(root)]), "Faces")


def grids(report: wr.Report) -> list[wr.PanelGrid]:
    return [block for block in report.blocks if isinstance(block, wr.PanelGrid)]


def test_the_report_shows_exactly_these_runs_and_groups_their_seeds(tmp_path: Path) -> None:
    report = board.build_report(comparison(tmp_path), "team", "faces")
    assert (report.entity, report.project, report.title) == ("team", "faces", "Faces")
    for grid in grids(report):
        (runset,) = grid.runsets
        assert (runset.entity, runset.project, runset.groupby) == ("team", "faces", ["Group"])
        ids = [f"{name}{k}" for name in ("base", "other") for k in (1, 2, 3)]
        assert runset.filters == f'Metric("ID") in {ids}'
        assert runset.run_settings["other3"].color == color(1)
        assert list(grid.custom_run_colors.values()) == [color(0), color(1)]


def test_the_report_has_panels_for_what_runs_log(tmp_path: Path) -> None:
    report = board.build_report(comparison(tmp_path), "team", "faces")
    curves, tests, media = (grid.panels for grid in grids(report))
    assert [panel.y for panel in curves if isinstance(panel, wr.LinePlot)] == [["val/psnr_audio"]]
    bars = [panel.metrics for panel in tests if isinstance(panel, wr.BarPlot)]
    assert bars == [["test/audio/psnr"]]
    keys = [panel.media_keys for panel in media if isinstance(panel, wr.MediaBrowser)]
    assert keys == [["test/strips", "val/strips"], ["test/videos"]]
    assert isinstance(report.blocks[0], wr.MarkdownBlock)
    assert "| base, audio-driven |" in report.blocks[0].text


def test_runs_without_a_group_are_shown_one_by_one(tmp_path: Path) -> None:
    (write_run(tmp_path / "a", psnr(20)) / "wandb" / "run-1_2-a1").mkdir(parents=True)
    found = board.build_report(compare(find_runs([str(tmp_path)]), "T"), "team", "faces")
    (first, *_) = grids(found)
    assert first.runsets[0].groupby == []
    assert first.custom_run_colors == {}


def test_the_workspace_shows_the_same(tmp_path: Path) -> None:
    found = board.build_workspace(comparison(tmp_path), "team", "faces")
    assert (found.entity, found.project, found.name) == ("team", "faces", "Faces")
    assert [section.name for section in found.sections] == [
        *("Tests", "While training", "Pictures and videos")
    ]
    assert "base1" in str(found.runset_settings.filters)


def test_runs_that_were_never_on_a_board_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match="None of these runs was given to W&B"):
        board.build_report(comparison(tmp_path, boards=False), "team", "faces")


def test_the_project_is_that_of_the_runs_if_there_is_one(tmp_path: Path) -> None:
    runs = comparison(tmp_path / "a")
    assert board.project_of(runs) == "faces"
    write_run(tmp_path / "b")
    both = compare(find_runs([str(tmp_path)]), "T")
    with pytest.raises(BoardError, match=r"faces, talkface\. Choose with --project"):
        board.project_of(both)
    assert board.project_of(both, "mine") == "mine"


def test_a_missing_package_is_told_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BoardError, match="install it with"):
        check_ready()


def test_a_missing_key_is_told_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wandb, "login", lambda **kwargs: False)
    with pytest.raises(BoardError, match="wandb login"):
        check_ready()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("Run set 'arms' project 'team/faces' not found. Please"), "does not know"),
        (wandb.errors.CommError("timed out\nmore"), r"did not answer for team/faces \(timed out\)"),
    ],
)
def test_what_the_server_says_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def save(self: object) -> None:
        raise error

    monkeypatch.setattr(wandb, "login", lambda **kwargs: True)
    monkeypatch.setattr(wr.Report, "save", save)
    with pytest.raises(BoardError, match=said):
        publish(comparison(tmp_path), None, None)


def test_what_is_saved_is_told_by_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Saved:
        url = "https://board/saved"

    def save(self: Any) -> Saved:
        assert (self.entity, self.project) == ("team", "other")
        return Saved()

    monkeypatch.setattr(wandb, "login", lambda **kwargs: True)
    monkeypatch.setattr(wr.Report, "save", save)
    monkeypatch.setattr(Workspace, "save", save)
    assert publish(comparison(tmp_path), None, "other") == ["https://board/saved"] * 2
