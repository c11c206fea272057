"""Panels of a fit: when they are written, and what stands where in them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from PIL import Image
from pytorch_lightning.loggers import WandbLogger
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from talkface.callbacks.panel import StripPanel
from talkface.figures import GAP, strip
from talkface.types import Window

SIDE, FRAMES, CLIPS = 128, 5, 3
SHOWN, COLUMNS = 2, 3
TILE = SIDE + GAP
LEVELS = {"identity": 40, "truth": 80, "audio": 120, "video": 160}
"""Rows from top to bottom, and how red they are."""


def pictures(row: str, frames: int = FRAMES) -> Tensor:
    """Flat pictures in [-1, 1]: red tells the row, green the clip, blue the frame."""
    red = torch.tensor(float(LEVELS[row]))
    green, blue = 20.0 * torch.arange(CLIPS)[:, None], 50.0 * torch.arange(frames)
    levels = torch.stack(torch.broadcast_tensors(red, green, blue), dim=2)
    return (levels / 127.5 - 1)[..., None, None].expand(-1, -1, -1, SIDE, SIDE)


def window(name: str = "clip") -> Window:
    points = torch.zeros(CLIPS, FRAMES, 68, 2)
    return Window(
        identity=pictures("identity", 1)[:, 0],
        frames=pictures("truth"),
        driving=pictures("truth"),
        mfcc=torch.zeros(CLIPS, FRAMES, 12, 20),
        landmarks=points,
        driving_landmarks=points,
        label=torch.zeros(CLIPS, dtype=torch.int64),
        spoken=torch.ones(CLIPS, FRAMES, dtype=torch.bool),
        clip=[f"{name}{index}" for index in range(CLIPS)],
    )


class Batches(Dataset[Window]):
    """Whole batches, one after the other."""

    def __init__(self, *windows: Window) -> None:
        self.windows = windows

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, index: int) -> Window:
        return self.windows[index]


class Painter(pl.LightningModule):
    """Renders flat pictures and keeps book of it."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.driven: list[tuple[str, str]] = []
        self.validated = 0
        self.before_training: tuple[int, int] | None = None

    def drive(self, window: Window, drive: str) -> Tensor:
        self.driven.append((window.clip[0], drive))
        return pictures(drive)

    def on_train_start(self) -> None:
        self.before_training = (self.validated, len(self.driven))

    def training_step(self, window: Window, index: int) -> Tensor:
        return self.weight.square()

    def validation_step(self, window: Window, index: int) -> None:
        self.validated += 1

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


class Gallery(WandbLogger):
    """Keeps images instead of sending them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.images: list[tuple[str, list[Any]]] = []

    @property
    def save_dir(self) -> str:
        return str(self.folder)

    def log_image(
        self, key: str, images: list[Any], step: int | None = None, **kwargs: Any
    ) -> None:
        self.images.append((key, images))


def trainer(folder: Path, **options: Any) -> pl.Trainer:
    return pl.Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **{"logger": False, **options},
    )


def fit(panel: StripPanel, folder: Path, epochs: int) -> Painter:
    """A fit with two validation batches, of which only the first is to be drawn."""
    model = Painter()
    train = DataLoader(Batches(window("train")), batch_size=None)
    val = DataLoader(Batches(window("first"), window("second")), batch_size=None)
    trainer(folder, callbacks=[panel], max_epochs=epochs).fit(model, train, val)
    return model


def written(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "panels").glob("*"))


@pytest.fixture(scope="module")
def panel() -> Tensor:
    return StripPanel(clips=SHOWN, columns=COLUMNS).draw(Painter(), window())


def tile(panel: Tensor, clip: int, row: int, column: int) -> list[list[int]]:
    """The colours of one frame in a panel."""
    top = clip * (len(LEVELS) * TILE + 3 * GAP) + row * TILE
    left = panel.shape[1] - (COLUMNS - column) * TILE
    frame = panel[top : top + SIDE, left : left + SIDE]
    colours: list[list[int]] = frame.flatten(0, 1).unique(dim=0).tolist()
    return colours


def test_panels_are_written_at_every_fifth_epoch_counted_from_one(tmp_path: Path) -> None:
    model = fit(StripPanel(every_n_epochs=5, clips=1, columns=1), tmp_path, epochs=10)
    assert written(tmp_path) == ["epoch_0004.png", "epoch_0009.png"]
    assert sorted(model.driven) == [("first0", "audio")] * 2 + [("first0", "video")] * 2


def test_the_check_before_training_draws_nothing(tmp_path: Path) -> None:
    model = fit(StripPanel(clips=1, columns=1), tmp_path, epochs=1)
    assert model.before_training == (2, 0)
    assert written(tmp_path) == ["epoch_0000.png"]


@pytest.mark.parametrize("row", LEVELS)
@pytest.mark.parametrize("clip", range(SHOWN))
def test_a_row_shows_its_own_frames_of_its_own_clip(panel: Tensor, row: str, clip: int) -> None:
    for column, frame in enumerate((0, 2, 4)):
        colour = [LEVELS[row], 20 * clip, 50 * frame]
        if row == "identity" and column > 0:
            colour = [255, 255, 255]
        assert tile(panel, clip, list(LEVELS).index(row), column) == [colour]


def test_only_the_first_clips_are_shown_and_every_row_is_named(panel: Tensor) -> None:
    titles = ("identity", "ground truth", "audio-driven", "video-driven")
    labels = strip({title: torch.zeros(1, 3, SIDE, SIDE) for title in titles})[:, :-TILE]
    assert panel.shape == (8 * TILE + 3 * GAP, labels.shape[1] + COLUMNS * TILE, 3)
    for top in (0, 4 * TILE + 3 * GAP):
        assert torch.equal(panel[top : top + 4 * TILE, : labels.shape[1]], labels)


def test_the_file_holds_the_panel_and_wandb_gets_the_same(tmp_path: Path, panel: Tensor) -> None:
    logger = Gallery(tmp_path / "run")
    callback, runner = StripPanel(clips=SHOWN, columns=COLUMNS), trainer(tmp_path, logger=logger)
    callback.on_validation_batch_end(runner, Painter(), None, window(), 0)
    callback.on_validation_epoch_end(runner, Painter())
    with Image.open(tmp_path / "run" / "panels" / "epoch_0000.png") as image:
        assert np.array_equal(np.asarray(image), panel.numpy())
    ((key, (logged,)),) = logger.images
    assert key == "val/strips"
    assert np.array_equal(logged, panel.numpy())


def test_a_panel_is_written_once(tmp_path: Path) -> None:
    logger = Gallery(tmp_path)
    callback, runner = StripPanel(clips=1, columns=1), trainer(tmp_path, logger=logger)
    callback.on_validation_batch_end(runner, Painter(), None, window(), 0)
    for _ in range(2):
        callback.on_validation_epoch_end(runner, Painter())
    assert len(logger.images) == 1


@pytest.mark.parametrize(("batch", "loader"), [(1, 0), (0, 1)])
def test_other_batches_and_other_loaders_are_not_drawn(
    batch: int, loader: int, tmp_path: Path
) -> None:
    model, callback = Painter(), StripPanel()
    callback.on_validation_batch_end(trainer(tmp_path), model, None, window(), batch, loader)
    assert model.driven == []


def test_other_processes_neither_draw_nor_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pl.Trainer, "is_global_zero", property(lambda _: False))
    model, callback, runner = Painter(), StripPanel(), trainer(tmp_path)
    callback.on_validation_batch_end(runner, model, None, window(), 0)
    callback.on_validation_epoch_end(runner, model)
    assert model.driven == []
    assert written(tmp_path) == []
