"""What a test shows on W&B: lines of tables known on paper, and which files."""

import math
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import WandbLogger

from talkface.callbacks.board import Board, clip_lines, summary_lines
from talkface.callbacks.table import TestTable
from talkface.data.renderings import Renderings
from talkface.metrics.table import Cell, ResultTable


class Shelf(WandbLogger):
    """Keeps what it is given instead of sending it."""

    def __init__(self, broken: bool = False) -> None:
        self.broken, self.tables = broken, dict[str, Any]()
        self.images, self.videos = dict[str, Any](), dict[str, Any]()

    def log_table(self, key: str, columns: Any = None, data: Any = None, *_: Any) -> None:
        if self.broken:
            raise BrokenPipeError("the service is gone")
        self.tables[key] = (columns, data)

    def log_image(self, key: str, images: Any, *_: Any, **options: Any) -> None:
        self.images[key] = images

    def log_video(self, key: str, videos: Any, *_: Any, **options: Any) -> None:
        self.videos[key] = (videos, options)


def results() -> ResultTable:
    table = ResultTable(clips={"a": {"word": "ABOUT", "speaker": "anna"}, "b": {"word": "BELOW"}})
    table.set("truth", "psnr", Cell(math.inf, math.nan, {"a": math.inf, "b": math.inf}))
    table.set("audio", "psnr", Cell(21.0, 1.5, {"a": 20.0, "b": 22.0}))
    table.set("audio", "mouth_r", Cell(0.5, 0.25, {"a": math.nan}))
    table.set("audio", "mouth_peak", Cell(1.0))
    return table


def kept(folder: Path, clip: str) -> Path:
    """The video of a clip, as a test keeps it."""
    frames = torch.zeros(2, 3, 16, 16, dtype=torch.uint8)
    sound, points = torch.zeros(1280, dtype=torch.int16), torch.zeros(2, 68, 2)
    Renderings(clip, frames[0], {"truth": frames}, sound, points).write(folder)
    return folder / "renderings" / f"{clip}.mp4"


def ended(folder: Path, logger: Shelf, *callbacks: pl.Callback) -> None:
    """The end of a test."""
    trainer = pl.Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        logger=logger,
        callbacks=list(callbacks),
        enable_checkpointing=False,
        enable_progress_bar=False,
    )
    for callback in callbacks:
        if isinstance(callback, Board):
            callback.on_test_end(trainer, pl.LightningModule())


@pytest.fixture
def table(tmp_path: Path) -> TestTable:
    callback = TestTable(tmp_path)
    callback.table = results()
    return callback


def test_a_line_has_the_figures_of_a_row_and_their_margins() -> None:
    columns, lines = summary_lines(results())
    assert columns == [
        *("row", "psnr", "psnr ±", "mouth_r", "mouth_r ±", "mouth_peak", "mouth_peak ±"),
    ]
    assert lines == [
        ["ground truth", None, None, None, None, None, None],
        ["audio-driven", 21.0, 1.5, 0.5, 0.25, 1.0, None],
    ]


def test_a_line_has_the_figures_of_a_clip_in_a_row_and_what_is_known_of_it() -> None:
    columns, lines = clip_lines(results())
    assert columns == ["clip", "word", "speaker", "row", "psnr", "mouth_r"]
    assert lines == [
        ["a", "ABOUT", "anna", "truth", None, None],
        ["a", "ABOUT", "anna", "audio", 20.0, None],
        ["b", "BELOW", None, "truth", None, None],
        ["b", "BELOW", None, "audio", 22.0, None],
    ]


def test_a_board_shows_tables_strips_and_the_videos_of_this_test(
    tmp_path: Path, table: TestTable
) -> None:
    video = kept(tmp_path, "a")
    kept(tmp_path, "of another test")
    (tmp_path / "strip.png").touch()
    logger = Shelf()
    ended(tmp_path, logger, table, Board())
    assert logger.tables == {
        "test/table": summary_lines(results()),
        "test/clips": clip_lines(results()),
    }
    assert logger.images == {"test/strips": [str(tmp_path / "strip.png")]}
    assert logger.videos == {"test/videos": ([str(video)], {"caption": ["a"]})}


def test_what_was_not_kept_is_not_shown(tmp_path: Path, table: TestTable) -> None:
    logger = Shelf()
    ended(tmp_path, logger, table, Board())
    assert logger.images == logger.videos == {}


def test_a_failure_of_wandb_is_told_and_ends_no_test(
    tmp_path: Path, table: TestTable, caplog: pytest.LogCaptureFixture
) -> None:
    ended(tmp_path, Shelf(broken=True), table, Board())
    assert "the service is gone" in caplog.text


def test_a_board_without_a_table_is_told(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="add TestTable to the callbacks"):
        ended(tmp_path, Shelf(), Board())


def test_other_processes_show_nothing(
    tmp_path: Path, table: TestTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pl.Trainer, "is_global_zero", property(lambda _: False))
    logger = Shelf()
    ended(tmp_path, logger, table, Board())
    assert logger.tables == {}
