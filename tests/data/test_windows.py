import dataclasses
import logging
from pathlib import Path

import pytest
import torch

from talkface.data.layout import (
    ClipReader,
    ClipRecord,
    Corpus,
    ManifestNotFoundError,
    WordSpan,
    read_manifest,
    write_clip,
    write_corpus,
)
from talkface.data.mfcc import Mfcc
from talkface.data.windows import ClipDataset, NoUsableClipError, ResolutionError, WindowDataset
from talkface.types import Window
from tests import fakes


def test_a_window_is_a_run_of_its_clip(prepared: Path) -> None:
    dataset = WindowDataset(prepared, "train", frames=6)
    for index, record in enumerate(read_manifest(prepared, "train")):
        window, reader = dataset[index], ClipReader(prepared, record)
        whole = reader.frames(range(record.frames))
        starts = [s for s in range(35) if torch.equal(window.frames, whole[s : s + 6])]
        (first,) = starts
        assert 2 <= first <= 31  # sound lies around every frame
        assert window.clip == record.id
        assert torch.equal(window.driving, window.frames)
        assert torch.equal(window.landmarks, reader.landmarks()[first : first + 6])
        expected = Mfcc().per_frame(reader.sound(), first, 6)
        torch.testing.assert_close(window.mfcc, expected)
        outside = torch.cat([whole[:first], whole[first + 6 :]])
        assert (outside == window.identity).flatten(1).all(1).any()


def test_the_mouth_follows_the_sound(prepared: Path) -> None:
    window = ClipDataset(prepared, "test")[0]
    gape = window.landmarks[:, 66, 1] - window.landmarks[:, 62, 1]
    loud = torch.stack([p[:, 8:13].norm() for p in window.mfcc])
    assert torch.corrcoef(torch.stack([gape, loud]))[0, 1] > 0.3


def test_draws_depend_on_seed_epoch_and_index_alone(prepared: Path) -> None:
    def drawn(seed: int, epoch: int) -> list[float]:
        dataset = WindowDataset(prepared, "train", 6, windows_per_clip=3, seed=seed)
        dataset.set_epoch(epoch)
        return [dataset[i].frames.float().mean().item() for i in reversed(range(len(dataset)))]

    assert len(drawn(0, 0)) == 12
    assert drawn(0, 0) == drawn(0, 0)
    assert drawn(0, 0) != drawn(0, 1)
    assert drawn(0, 0) != drawn(1, 0)


def test_all_starts_are_drawn_and_the_identity_stays_outside(
    prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = WindowDataset(prepared, "train", 20, windows_per_clip=200, limit=1)
    drawn: list[tuple[int, int]] = []
    window = dataset[0]

    def load(_record: ClipRecord, identity: int, first: int, _count: int) -> Window:
        drawn.append((identity, first))
        return window

    monkeypatch.setattr(dataset, "load", load)
    for index in range(200):
        dataset[index]
    assert {first for _, first in drawn} == set(range(2, 18))
    assert all(not first <= identity < first + 20 for identity, first in drawn)
    assert {identity for identity, _ in drawn} >= {0, 1, 38, 39}


def test_a_window_as_long_as_its_clip_takes_its_identity_from_within(tmp_path: Path) -> None:
    clip = fakes.clip("one", frames=6)
    clip.sound = torch.zeros(16_000, dtype=torch.int16)
    clip.record = dataclasses.replace(clip.record, samples=16_000, frames=6)
    write_clip(tmp_path, clip)
    write_corpus(tmp_path, Corpus("fake", 64), [clip.record])
    window = WindowDataset(tmp_path, "train", 4)[0]
    assert window.frames.shape[0] == 4
    with pytest.raises(NoUsableClipError, match=r"5 frames .*the longest has 4.*at most 4"):
        WindowDataset(tmp_path, "train", 5)


def test_short_clips_are_skipped_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clips = [fakes.clip("long", frames=30), fakes.clip("short", frames=12)]
    for clip in clips:
        write_clip(tmp_path, clip)
    write_corpus(tmp_path, Corpus("fake", 64), [clip.record for clip in clips])
    with caplog.at_level(logging.WARNING):
        dataset = WindowDataset(tmp_path, "train", 20)
    assert (len(dataset), dataset.skipped) == (1, 1)
    assert "Skipped 1 of 2 clips of split 'train': fewer than 20 frames" in caplog.text


@pytest.mark.parametrize(
    ("words", "label"),
    [
        ((), -1),
        ((WordSpan("BELOW", 0.0, 0.5), WordSpan("NORTH", 0.5, 1.2)), 2),
        ((WordSpan("BELOW", 0.0, 0.9), WordSpan("NORTH", 0.9, 1.2)), 1),
        ((WordSpan("BELOW", 0.0, 0.3), WordSpan("sil", 0.5, 1.2)), -1),
        ((WordSpan("BELOW", 2.0, 3.0),), -1),
    ],
)
def test_the_label_is_the_word_that_lasts_longest(
    prepared: Path, words: tuple[WordSpan, ...], label: int
) -> None:
    dataset = WindowDataset(prepared, "train", 20)
    record = dataclasses.replace(dataset.records[0], words=words)
    assert dataset.label(record, first=5, count=20) == label  # 0.2 s to 1.0 s


def test_smaller_images_are_smoothed_and_landmarks_follow(prepared: Path) -> None:
    small, large = ClipDataset(prepared, "test", 32)[0], ClipDataset(prepared, "test", 64)[0]
    assert small.frames.shape == (35, 3, 32, 32)
    averaged = torch.nn.functional.avg_pool2d(large.frames.float(), 2)
    assert (small.frames.float() - averaged).abs().mean() < 3
    torch.testing.assert_close(small.landmarks, (large.landmarks + 0.5) / 2 - 0.5)


def test_larger_images_than_stored_are_refused(prepared: Path) -> None:
    with pytest.raises(ResolutionError, match=r"stored at 64 px.*`--side 128`"):
        WindowDataset(prepared, "train", resolution=128)


def test_a_misspelt_split_lists_the_known(prepared: Path) -> None:
    with pytest.raises(ManifestNotFoundError, match=r"'vall'.*\['test', 'train', 'val'\]"):
        WindowDataset(prepared, "vall")


def test_a_whole_clip_starts_from_its_first_frame(prepared: Path) -> None:
    dataset = ClipDataset(prepared, "test")
    window, reader = dataset[0], ClipReader(prepared, dataset.records[0])
    assert len(dataset) == 1
    assert torch.equal(window.identity, reader.frames([0])[0])
    assert torch.equal(window.frames, reader.frames(range(2, 37)))
    assert window.mfcc.shape == (35, 12, 20)


def test_an_index_beyond_the_end_is_refused(prepared: Path) -> None:
    with pytest.raises(IndexError, match="no window 4, only 0 to 3"):
        WindowDataset(prepared, "train")[4]
