from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.cli import LightningCLI
from torch import Tensor, nn
from torch.utils.data import DataLoader

from talkface.data.augment import Augment
from talkface.data.datamodule import TalkFaceData
from talkface.data.layout import ManifestNotFoundError, read_manifest
from talkface.data.windows import NoUsableClipError, ResolutionError, WindowDataset
from talkface.types import Window


class Recorder(pl.LightningModule):
    """Keeps what it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1)
        self.seen: dict[str, list[Window]] = {"train": [], "val": [], "test": []}

    def training_step(self, window: Window, index: int) -> Tensor:
        self.seen["train"].append(window)
        loss: Tensor = self.layer(window.frames.mean().view(1, 1)).sum()
        return loss

    def validation_step(self, window: Window, index: int) -> None:
        self.seen["val"].append(window)

    def test_step(self, window: Window, index: int) -> None:
        self.seen["test"].append(window)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.0)


class Diary(Recorder):
    """Writes down the clips that each process is shown."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def training_step(self, window: Window, index: int) -> Tensor:
        with (self.folder / f"rank{self.global_rank}").open("a") as file:
            file.writelines(f"{clip}\n" for clip in window.clip)
        return super().training_step(window, index)


def trainer(tmp_path: Path, **options: Any) -> pl.Trainer:
    return pl.Trainer(
        default_root_dir=tmp_path,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )


@pytest.fixture(scope="module")
def recorder(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    """Two epochs with a running worker, then a test."""
    model = Recorder()
    data = TalkFaceData(prepared, frames=6, batch_size=3, workers=1)
    runner = trainer(tmp_path_factory.mktemp("run"), max_epochs=2, num_sanity_val_steps=0)
    runner.fit(model, data)
    runner.test(model, data, verbose=False)
    return model


def test_networks_see_floating_point_images(recorder: Recorder) -> None:
    for window in (w for seen in recorder.seen.values() for w in seen):
        for images in (window.identity, window.frames, window.driving):
            assert images.dtype == torch.float32
            assert images.min() >= -1
            assert images.max() <= 1
        assert window.frames.max() > 0.5


def test_driving_frames_are_augmented_in_training_only(recorder: Recorder) -> None:
    for window in recorder.seen["train"]:
        assert (window.driving - window.frames).abs().mean() > 0.01
        assert (window.driving_landmarks - window.landmarks).abs().mean() > 0.05
    for window in recorder.seen["val"] + recorder.seen["test"]:
        assert torch.equal(window.driving, window.frames)
        assert torch.equal(window.driving_landmarks, window.landmarks)


def test_a_running_worker_follows_the_epoch(recorder: Recorder, prepared: Path) -> None:
    dataset = WindowDataset(prepared, "train", 6)
    names = [record.id for record in dataset.records]
    for epoch, batch in enumerate(recorder.seen["train"]):
        dataset.set_epoch(epoch)
        assert batch.frames.shape == (3, 6, 3, 64, 64)
        for clip, frames in zip(batch.clip, batch.frames, strict=True):
            expected = dataset[names.index(clip)].frames.float() / 127.5 - 1
            torch.testing.assert_close(frames, expected)


def test_validation_sees_the_same_windows_every_time(recorder: Recorder) -> None:
    first, second = recorder.seen["val"]
    assert torch.equal(first.frames, second.frames)


def test_whole_clips_are_tested_one_by_one(recorder: Recorder) -> None:
    (window,) = recorder.seen["test"]
    assert window.frames.shape == (1, 35, 3, 64, 64)
    assert list(window.clip) == ["s1/clip5"]


def test_workers_do_not_change_the_batches(prepared: Path) -> None:
    def batches(workers: int) -> list[Window]:
        data = TalkFaceData(prepared, batch_size=2, workers=workers, windows_per_clip=2)
        data.setup("fit")
        return list(data.train_dataloader())

    for alone, helped in zip(batches(0), batches(2), strict=True):
        assert alone.clip == helped.clip
        for one, other in zip(alone[:-1], helped[:-1], strict=True):
            assert torch.equal(torch.as_tensor(one), torch.as_tensor(other))


@pytest.mark.slow
def test_two_processes_train_on_different_windows(prepared: Path, tmp_path: Path) -> None:
    model, data = Diary(tmp_path), TalkFaceData(prepared, frames=6, batch_size=2, workers=1)
    runner = trainer(tmp_path, max_epochs=2, devices=2, strategy="ddp_fork", num_sanity_val_steps=0)
    runner.fit(model, data)
    shares = [(tmp_path / f"rank{rank}").read_text().split() for rank in range(2)]
    names = sorted(record.id for record in read_manifest(prepared, "train"))
    for epoch in (slice(0, 2), slice(2, 4)):
        assert sorted(shares[0][epoch] + shares[1][epoch]) == names


def test_a_corpus_smaller_than_a_batch_still_trains(prepared: Path) -> None:
    data = TalkFaceData(prepared, batch_size=8, workers=0, limit=2)
    data.setup("fit")
    loader: DataLoader[Window] = data.train_dataloader()
    assert [len(batch.frames) for batch in loader] == [2]


def test_the_number_of_words_is_known_before_training(prepared: Path) -> None:
    assert TalkFaceData(prepared).classes == 3


def test_wrong_arguments_are_named(prepared: Path, tmp_path: Path) -> None:
    with pytest.raises(ManifestNotFoundError, match=r"no manifest at all.*data_prep.*data\.root"):
        TalkFaceData(tmp_path)
    with pytest.raises(ResolutionError, match=r"stored at 64 px.*data\.resolution"):
        TalkFaceData(prepared, resolution=256)
    with pytest.raises(ValueError, match=r"`data\.batch_size` is 0; use at least 1"):
        TalkFaceData(prepared, batch_size=0)
    with pytest.raises(NoUsableClipError, match=r"`data\.frames` to at most 35"):
        TalkFaceData(prepared, frames=36).setup("fit")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", Augment()),
        ("{augment: null}", None),
        ("{augment: {hue: 0.1, degrees: 0}}", Augment(hue=0.1, degrees=0.0)),
    ],
)
def test_it_can_be_written_in_yaml(
    prepared: Path, tmp_path: Path, text: str, expected: Augment | None
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"data: {text}\n")
    cli = LightningCLI(
        Recorder,
        TalkFaceData,
        run=False,
        save_config_callback=None,
        args=[f"--config={config}", f"--data.root={prepared}", "--data.frames=12"],
    )
    assert (cli.datamodule.augment, cli.datamodule.frames) == (expected, 12)
