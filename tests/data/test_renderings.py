from pathlib import Path

import av
import pytest
import torch

from talkface.data.media import read_audio, read_video
from talkface.data.renderings import Renderings, RenderingsNotFoundError, kept_clips

FRAMES, SIDE = 12, 32


def renderings(clip: str = "s1/clip") -> Renderings:
    rng = torch.Generator().manual_seed(0)
    rows = {
        row: torch.full((FRAMES, 3, SIDE, SIDE), level, dtype=torch.uint8)
        for row, level in (("truth", 40), ("copy", 90), ("audio", 140), ("video", 200))
    }
    sound = torch.randint(-9000, 9000, (640 * FRAMES,), generator=rng, dtype=torch.int16)
    landmarks = torch.rand(FRAMES, 68, 2, generator=rng)
    landmarks[3] = torch.nan
    return Renderings(clip, rows["truth"][0] // 2, rows, sound, landmarks)


def test_renderings_read_back_bit_by_bit(tmp_path: Path) -> None:
    kept = renderings()
    kept.write(tmp_path)
    again = Renderings.read(tmp_path, "s1/clip")
    assert again.clip == "s1/clip"
    assert list(again.rows) == list(kept.rows)
    for row, frames in kept.rows.items():
        assert torch.equal(again.rows[row], frames)
    assert torch.equal(again.identity, kept.identity)
    assert torch.equal(again.sound, kept.sound)
    torch.testing.assert_close(again.landmarks, kept.landmarks, equal_nan=True)


def test_the_video_shows_truth_audio_and_video_side_by_side_with_the_sound(tmp_path: Path) -> None:
    renderings().write(tmp_path)
    path = tmp_path / "renderings" / "s1" / "clip.mp4"
    frames = read_video(path).float()
    assert frames.shape == (FRAMES, 3, SIDE, 3 * SIDE)
    levels = [float(part.mean()) for part in frames.split(SIDE, dim=3)]
    assert levels == pytest.approx([40, 140, 200], abs=6)
    with av.open(str(path)) as container:
        assert len(container.streams.audio) == 1
    assert len(read_audio(path)) == pytest.approx(640 * FRAMES, abs=200)


def test_kept_clips_are_listed_by_name(tmp_path: Path) -> None:
    for clip in ("s2/b", "a"):
        renderings(clip).write(tmp_path)
    assert kept_clips(tmp_path) == ["a", "s2/b"]
    assert kept_clips(tmp_path / "elsewhere") == []


def test_a_missing_clip_names_those_that_are_there(tmp_path: Path) -> None:
    renderings("a").write(tmp_path)
    with pytest.raises(RenderingsNotFoundError, match=r"of 'b'; there are: a\)"):
        Renderings.read(tmp_path, "b")
    with pytest.raises(RenderingsNotFoundError, match=r"none at all.*--evaluation\.kept"):
        Renderings.read(tmp_path / "elsewhere", "b")


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    renderings("a").write(tmp_path)
    path = tmp_path / "renderings" / "a.npz"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RenderingsNotFoundError, match=r"a\.npz is damaged"):
        Renderings.read(tmp_path, "a")
