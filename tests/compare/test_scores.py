import dataclasses
import math
import os
from pathlib import Path

import pytest
import torch

from talkface.compare.folders import Clip
from talkface.compare.scores import Score, Store
from talkface.compare.settings import Settings

SCORE = Score(
    *("ours", "s1/a.b", 3, 1),
    {"psnr": math.inf, "ssim": 0.5, "cpbd": math.nan},
    [0.1, math.nan, 0.3],
    [0.2, 0.2, 0.2],
    bridged=1,
)


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    for name in ("real.mp4", "ours.mp4"):
        (tmp_path / name).write_bytes(b"video")
    return Clip("s1/a.b", tmp_path / "real.mp4", {"ours": tmp_path / "ours.mp4"})


def test_a_score_comes_back_as_it_was_with_what_is_not_finite(tmp_path: Path, clip: Clip) -> None:
    store = Store(tmp_path, Settings())
    store.write(clip, SCORE, None)
    assert (tmp_path / "clips" / "ours" / "s1" / "a.b.json").is_file()
    found = store.read(clip, "ours")
    assert found is not None
    assert found.figures["psnr"] == math.inf
    assert math.isnan(found.figures["cpbd"])
    assert repr(found) == repr(SCORE)


def test_a_score_is_not_seen_after_a_video_or_a_setting_has_changed(
    tmp_path: Path, clip: Clip
) -> None:
    settings = Settings()
    Store(tmp_path, settings).write(clip, SCORE, None)
    for other in (
        dataclasses.replace(settings, side=128),
        dataclasses.replace(settings, landmarks="mediapipe"),
        dataclasses.replace(settings, task=clip.real),
        dataclasses.replace(settings, aligned=True),
        dataclasses.replace(settings, mismatch=2),
        dataclasses.replace(settings, offsets={"ours": 1}),
        dataclasses.replace(settings, syncnet=clip.real),
        dataclasses.replace(settings, identity=clip.real),
        dataclasses.replace(settings, lpips=True),
    ):
        assert Store(tmp_path, other).read(clip, "ours") is None
    assert Store(tmp_path, dataclasses.replace(settings, offsets={"x": 1})).read(clip, "ours")
    for file in (clip.real, clip.videos["ours"]):
        before = file.stat()
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
        assert Store(tmp_path, settings).read(clip, "ours") is None
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert Store(tmp_path, settings).read(clip, "ours") is not None


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"key": 1}'])
def test_a_damaged_score_is_made_again(tmp_path: Path, clip: Clip, content: str) -> None:
    store = Store(tmp_path, Settings())
    store.write(clip, SCORE, None)
    (tmp_path / "clips" / "ours" / "s1" / "a.b.json").write_text(content)
    assert store.read(clip, "ours") is None


def test_a_clip_for_a_strip_is_complete_with_its_frames_only(tmp_path: Path, clip: Clip) -> None:
    store = Store(tmp_path, Settings())
    pictured = dataclasses.replace(clip, pictured=True)
    store.write(clip, SCORE, None)
    assert store.read(pictured, "ours") is None
    tiles = torch.arange(2 * 3 * 4 * 4).reshape(2, 3, 4, 4) / 255
    store.write(pictured, SCORE, tiles)
    assert store.read(pictured, "ours") is not None
    kept = store.tiles("s1/a.b", "ours")
    assert kept is not None
    torch.testing.assert_close(kept, tiles)
    store.write(pictured, Score("copy", "s1/a.b", refused="no face"), None)
    assert store.read(pictured, "copy") is not None
