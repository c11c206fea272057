"""Curves of a training whose model opens mouth and eyes as far as it is told."""

from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from talkface.callbacks import MotionCurves
from talkface.callbacks.curves import spaced_crops
from talkface.data.datamodule import TalkFaceData
from talkface.metrics.head import Movement
from talkface.metrics.opening import openings
from talkface.types import Window


class ColourReader:
    """Reads openings off the colour."""

    def read(self, frames: Tensor) -> Movement:
        return Movement(frames[:, 0, 0, 0], frames[:, 1, 0, 0], torch.zeros(len(frames), 3))


class Pupil(ColourReader):
    """Keeps what it is fitted on."""

    def __init__(self) -> None:
        self.lessons: list[tuple[Tensor, Tensor]] = []

    def fit(self, frames: Tensor, landmarks: Tensor) -> None:
        self.lessons.append((frames, landmarks))


class Speaker(pl.LightningModule):
    """Half as lively as the truth by sound, upside down by video, with eyes that stand still."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.driven: list[int] = []

    def drive(self, window: Window, drive: str) -> Tensor:
        self.driven.append(len(window.frames))
        mouth, _ = openings(window.landmarks)
        level = mouth / 2 if drive == "audio" else 1 - mouth
        return 2 * level[:, :, None, None, None].expand(-1, -1, 3, 8, 8).clone() - 1

    def training_step(self, window: Window, index: int) -> Tensor:
        return self.weight.square()

    def validation_step(self, window: Window, index: int) -> None:
        pass

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


def fit(prepared: Path, folder: Path, callback: MotionCurves, epochs: int) -> list[dict[str, Any]]:
    """Metrics after every epoch."""
    after: list[dict[str, Any]] = []

    class Watch(pl.Callback):
        def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
            after.append({k: float(v) for k, v in trainer.callback_metrics.items()})

    trainer = pl.Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        max_epochs=epochs,
        limit_train_batches=1,
        num_sanity_val_steps=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[callback, Watch()],
    )
    trainer.fit(Speaker(), TalkFaceData(prepared, frames=12, batch_size=2, workers=0))
    return after


def test_curves_say_how_the_openings_follow(prepared: Path, tmp_path: Path) -> None:
    *_, last = fit(prepared, tmp_path, MotionCurves(reader=ColourReader()), epochs=1)
    assert last["val/mouth_r_audio"] == pytest.approx(1, abs=2e-2)
    assert last["val/mouth_gain_audio"] == pytest.approx(0.5, abs=2e-2)
    assert last["val/mouth_r_video"] == pytest.approx(-1, abs=2e-2)
    assert last["val/mouth_gain_video"] == pytest.approx(1, abs=2e-2)
    assert not any(name.startswith("val/eye") for name in last), "true eyes here never move"


def test_only_every_so_many_epochs_and_so_many_windows(prepared: Path, tmp_path: Path) -> None:
    after = fit(prepared, tmp_path, MotionCurves(2, clips=1, reader=ColourReader()), epochs=2)
    assert ["val/mouth_r_audio" in metrics for metrics in after[-2:]] == [False, True]


def test_a_reader_is_fitted_once_on_training_crops(prepared: Path, tmp_path: Path) -> None:
    pupil = Pupil()
    fit(prepared, tmp_path, MotionCurves(reader=pupil, crops=10), epochs=2)
    ((frames, landmarks),) = pupil.lessons
    assert frames.shape == (10, 3, 64, 64)
    assert landmarks.shape == (10, 68, 2)
    assert frames.max() <= 1 < frames.max() * 255


def test_crops_are_of_all_the_split(prepared: Path) -> None:
    data = TalkFaceData(prepared, frames=12, workers=0)
    data.setup("fit")
    frames, _ = spaced_crops(data.train, 1000)
    assert len(frames) == len(data.train) * 3


def test_without_training_windows_it_says_what_to_do() -> None:
    with pytest.raises(TypeError, match="train with `TalkFaceData`"):
        MotionCurves(reader=Pupil()).on_fit_start(pl.Trainer(logger=False), Speaker())
