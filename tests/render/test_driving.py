import logging
from pathlib import Path

import pytest
import torch

from talkface.data.media import NoVideoError, TruncatedMediaError, write_video
from talkface.render import NoFaceError, NotAlignedError
from talkface.render.driving import scan_driving
from tests.render.fakes import FakeDetector, blues, tone, write_clip, write_truncated, write_wav


def test_crops_come_in_runs_and_are_as_many_as_frames(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "drive.mp4", 11)
    driving = scan_driving(clip, 16, FakeDetector(), batch=4)
    runs = list(driving.crops())
    assert [len(run) for run in runs] == [4, 4, 3]
    assert driving.frames == 11
    blue = torch.cat(runs)[:, 2].float().mean(dim=(1, 2))
    assert (blue.diff() > 5).all()


def test_crops_do_not_depend_on_the_batch(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "drive.mp4", 11)
    small, large = (scan_driving(clip, 16, FakeDetector(), batch=n).crops() for n in (3, 32))
    assert torch.equal(torch.cat(list(small)), torch.cat(list(large)))


def test_frames_without_a_face_are_filled_in_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frames = blues(20)
    frames[6:15] = 0
    write_video(tmp_path / "gap.mp4", frames)
    with caplog.at_level(logging.WARNING):
        driving = scan_driving(tmp_path / "gap.mp4", 16, FakeDetector())
    assert "No face in 9 of 20 frames" in caplog.text
    assert driving.transforms is not None
    assert driving.transforms.isfinite().all()


def test_several_faces_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clip = write_clip(tmp_path / "drive.mp4", 5)
    with caplog.at_level(logging.WARNING):
        scan_driving(clip, 16, FakeDetector(2))
    assert "Several faces in 5 frames" in caplog.text


def test_no_face_in_any_frame(tmp_path: Path) -> None:
    write_video(tmp_path / "dark.mp4", torch.zeros(5, 3, 48, 48, dtype=torch.uint8))
    with pytest.raises(NoFaceError, match=r"dark.mp4 \(searched 5 frames\)"):
        scan_driving(tmp_path / "dark.mp4", 16, FakeDetector())


def test_aligned_frames_are_scaled_and_must_be_square(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "drive.mp4", 5)
    driving = scan_driving(clip, 16, None)
    assert next(driving.crops()).shape == (5, 3, 16, 16)
    write_video(tmp_path / "wide.mp4", torch.zeros(5, 3, 32, 48, dtype=torch.uint8))
    with pytest.raises(NotAlignedError, match="48x32"):
        scan_driving(tmp_path / "wide.mp4", 16, None)


def test_sound_is_no_driving_video(tmp_path: Path) -> None:
    speech = write_wav(tmp_path / "speech.wav", tone(8_000))
    with pytest.raises(NoVideoError, match=r"speech.wav has no video"):
        scan_driving(speech, 16, FakeDetector())


def test_a_video_cut_short_is_refused(tmp_path: Path) -> None:
    clip = write_truncated(tmp_path / "drive.mp4")
    with pytest.raises(TruncatedMediaError, match=r"drive.mp4 is truncated"):
        scan_driving(clip, 16, FakeDetector())
