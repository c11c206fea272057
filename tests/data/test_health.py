import logging
import shutil
from pathlib import Path

import pytest
import torch

from talkface.data.datamodule import TalkFaceData
from talkface.data.health import TooManySkipsError
from talkface.data.windows import WindowDataset


@pytest.fixture
def harmed(prepared: Path, tmp_path: Path) -> Path:
    """Two of four clips for training are damaged."""
    root = Path(shutil.copytree(prepared, tmp_path / "harmed"))
    (root / "clips" / "s0" / "clip0.npz").unlink()
    images = root / "clips" / "s1" / "clip1.jpgs"
    images.write_bytes(bytes(images.stat().st_size))
    return root


def test_damaged_clips_are_replaced_counted_and_named(
    harmed: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dataset = WindowDataset(harmed, "train")
    for epoch in range(2):
        dataset.set_epoch(epoch)
        windows = [dataset[index] for index in range(4)]
        assert [w.clip for w in windows] == ["s0/clip2", "s0/clip2", "s0/clip2", "s1/clip3"]
        assert not torch.equal(windows[1].frames, windows[2].frames)
    assert dataset.health.skipped == [0, 1]
    assert [record.message[:36] for record in caplog.records] == [
        "Skipped clip 's0/clip0' (1 of at mos",
        "Skipped clip 's1/clip1' (2 of at mos",
    ]


def test_whole_clips_give_the_windows_that_they_always_give(prepared: Path, harmed: Path) -> None:
    whole, harmed_one = WindowDataset(prepared, "train"), WindowDataset(harmed, "train")
    assert torch.equal(whole[3].frames, harmed_one[3].frames)


def test_workers_count_together_and_more_than_the_limit_stops(harmed: Path) -> None:
    data = TalkFaceData(harmed, batch_size=1, workers=2, max_skips=1)
    data.setup("fit")
    with pytest.raises(
        TooManySkipsError, match=r"2 clips are damaged: s0/clip0, s1/clip1\..*`data\.max_skips`"
    ):
        list(data.train_dataloader())


def test_nothing_is_skipped_if_nothing_may_be(
    harmed: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dataset = WindowDataset(harmed, "train", max_skips=0)
    with caplog.at_level(logging.WARNING), pytest.raises(TooManySkipsError, match="s0/clip0"):
        dataset[0]
    assert dataset[3].clip == "s1/clip3"
