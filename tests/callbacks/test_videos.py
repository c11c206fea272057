"""Videos of validation clips: whole clips, their own sound, the rows side by side."""

from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import WandbLogger
from torch import Tensor, nn

from talkface.callbacks.videos import ClipVideos, side_by_side
from talkface.data.datamodule import TalkFaceData
from talkface.data.media import read_audio, read_video
from talkface.data.windows import ClipDataset
from talkface.types import FPS, SAMPLE_RATE, Window

LEVELS = {"audio": -1.0, "video": 1.0}
"""What the drives render: black and white."""


class Painter(pl.LightningModule):
    """Renders flat frames, and says what it was validated on."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.driven: list[tuple[str, str]] = []

    def drive(self, window: Window, drive: str) -> Tensor:
        assert window.frames.is_floating_point()
        self.driven.append((window.clip[0], drive))
        return torch.full_like(window.frames, LEVELS[drive])

    def training_step(self, window: Window, index: int) -> Tensor:
        return self.weight.square()

    def validation_step(self, window: Window, index: int) -> None:
        """Nothing to be scored."""

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


class Shelf(WandbLogger):
    """Keeps videos instead of sending them."""

    def __init__(self) -> None:
        self.videos: list[tuple[str, list[Any], Any]] = []

    def log_video(self, key: str, videos: list[Any], *_: Any, **options: Any) -> None:
        self.videos.append((key, videos, options["caption"]))


def trainer(folder: Path, **options: Any) -> pl.Trainer:
    return pl.Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        limit_train_batches=1,
        limit_val_batches=2,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **{"logger": False, **options},
    )


def data(root: Path) -> TalkFaceData:
    return TalkFaceData(root, frames=4, batch_size=1, workers=0)


def test_videos_are_written_at_every_second_epoch_but_not_before_training(
    prepared: Path, tmp_path: Path
) -> None:
    model = Painter()
    trainer(tmp_path, callbacks=[ClipVideos(every_n_epochs=2)], max_epochs=4).fit(
        model, data(prepared)
    )
    written = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.mp4"))
    assert written == [f"videos/epoch_000{n}/s0/clip4.mp4" for n in (1, 3)]
    assert model.driven == [("s0/clip4", "audio"), ("s0/clip4", "video")] * 2


def test_a_video_is_as_long_as_its_clip_and_has_its_sound(prepared: Path, tmp_path: Path) -> None:
    trainer(tmp_path, callbacks=[ClipVideos()], max_epochs=1).fit(Painter(), data(prepared))
    path = tmp_path / "videos" / "epoch_0000" / "s0" / "clip4.mp4"
    clips = ClipDataset(prepared, "val")
    truth, true = clips[0].frames, clips.sound("s0/clip4").float()
    frames = read_video(path, FPS)
    assert frames.shape == (len(truth), 3, 64, 3 * 64)
    shown = [part.float().mean() for part in frames.split(64, dim=3)]
    assert shown[0] == pytest.approx(truth.float().mean(), abs=3)
    assert shown[1] < 5
    assert shown[2] > 250
    sound = read_audio(path, SAMPLE_RATE)[: len(true)].float()
    assert torch.corrcoef(torch.stack([sound, true[: len(sound)]]))[0, 1] > 0.95


def test_wandb_gets_the_files(prepared: Path, tmp_path: Path) -> None:
    logger, runner = Shelf(), trainer(tmp_path, max_epochs=1)
    callback, model, corpus = ClipVideos(), Painter(), data(prepared)
    runner.fit(model, corpus)
    runner.loggers = [logger]
    callback._show(runner, model, tmp_path / "shown")
    assert logger.videos == [
        ("val/videos", [str(tmp_path / "shown" / "s0" / "clip4.mp4")], ["s0/clip4"])
    ]


def test_truth_is_on_the_left_and_video_driven_frames_on_the_right(prepared: Path) -> None:
    clip = ClipDataset(prepared, "val")[0]
    frames = clip.frames[None].float() / 127.5 - 1
    left, middle, right = side_by_side(Painter(), clip._replace(frames=frames, clip=["c"])).split(
        64, dim=3
    )
    assert torch.equal(left, clip.frames)
    assert middle.unique().tolist() == [0]
    assert right.unique().tolist() == [255]


def test_data_without_clips_are_told(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="leave ClipVideos out of the callbacks"):
        ClipVideos()._show(trainer(tmp_path), Painter(), tmp_path)
