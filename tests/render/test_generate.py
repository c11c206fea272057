import logging
import re
from pathlib import Path

import pytest
import torch

from talkface.data.media import read_audio, read_video, write_video
from talkface.render import OverwriteError, RenderError, generate
from tests.render.fakes import (
    SIDE,
    FakeDetector,
    FakeModel,
    blues,
    tone,
    write_clip,
    write_picture,
    write_wav,
)

pytestmark = pytest.mark.usefixtures("detector")


@pytest.mark.parametrize("samples", [500, 7_001, 16_000, 18_557, 31_999, 40_321])
def test_the_output_is_as_long_as_the_sound(
    tmp_path: Path, model: FakeModel, face: Path, samples: int
) -> None:
    speech = write_wav(tmp_path / "speech.wav", tone(samples))
    report = generate(model, face, speech, None, tmp_path / "talk.mp4", progress=False)
    frames, sound = read_video(report.output), read_audio(report.output)
    assert len(frames) == report.frames
    assert abs(len(frames) * 640 - samples) <= 640
    assert abs(len(sound) - samples) <= 640
    assert (report.drive, report.width, report.height) == ("audio", SIDE, SIDE)


def test_the_video_drives_and_lends_its_sound(tmp_path: Path, model: FakeModel, face: Path) -> None:
    clip = write_clip(tmp_path / "drive.mp4", 25)
    report = generate(model, face, None, clip, tmp_path / "talk.mp4", progress=False)
    frames, sound = read_video(report.output), read_audio(report.output)
    assert report.drive == "video"
    assert len(frames) == 25
    assert (frames[:, 2].float().mean(dim=(1, 2)).diff() > 2).all()
    assert sound.float().std() > 1_000


def test_a_silent_video_drives_a_silent_output(
    tmp_path: Path, model: FakeModel, face: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clip = write_clip(tmp_path / "mute.mp4", 5, sound=False)
    with caplog.at_level(logging.INFO):
        report = generate(model, face, None, clip, tmp_path / "talk.mp4", progress=False)
    assert "the output is silent" in caplog.text
    with pytest.raises(ValueError, match="no audio stream"):
        read_audio(report.output)


@pytest.mark.parametrize(("frames", "said"), [(10, "shorter than the sound"), (40, "longer than")])
def test_both_drives_say_how_lengths_were_matched(
    tmp_path: Path,
    model: FakeModel,
    face: Path,
    caplog: pytest.LogCaptureFixture,
    frames: int,
    said: str,
) -> None:
    clip = write_clip(tmp_path / "drive.mp4", frames)
    speech = write_wav(tmp_path / "speech.wav", tone(16_000))
    with caplog.at_level(logging.INFO):
        report = generate(model, face, speech, clip, tmp_path / "talk.mp4", progress=False)
    assert said in caplog.text
    assert (report.drive, report.frames) == ("both", 25)


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (48_000, 2), (44_100, 2)])
def test_sound_of_any_rate(
    tmp_path: Path, model: FakeModel, face: Path, rate: int, channels: int
) -> None:
    speech = write_wav(tmp_path / "speech.wav", tone(rate), rate, channels)
    report = generate(model, face, speech, None, tmp_path / "talk.mp4", progress=False)
    assert report.frames == 25


def test_sound_of_zeros_and_the_sound_of_a_video(
    tmp_path: Path, model: FakeModel, face: Path
) -> None:
    zeros = write_wav(tmp_path / "zeros.wav", torch.zeros(16_000, dtype=torch.int16))
    clip = write_clip(tmp_path / "speech.mp4", 20)
    assert generate(model, face, zeros, None, tmp_path / "a.mp4", progress=False).frames == 25
    assert generate(model, face, clip, None, tmp_path / "b.mp4", progress=False).frames == 20


def test_an_aligned_crop_needs_no_detector(
    tmp_path: Path, model: FakeModel, detector: FakeDetector
) -> None:
    detector.faces = 0
    crop = write_picture(tmp_path / "crop.png", width=32, height=32)
    clip = write_clip(tmp_path / "drive.mp4", 5)
    out = tmp_path / "talk.mp4"
    generate(model, crop, None, clip, out, aligned=True, driving_aligned=True, progress=False)
    assert len(read_video(out)) == 5


def test_pasting_keeps_the_size_of_the_photo(tmp_path: Path, model: FakeModel, face: Path) -> None:
    clip = write_clip(tmp_path / "drive.mp4", 5)
    report = generate(model, face, None, clip, tmp_path / "t.mp4", paste=True, progress=False)
    assert (report.width, report.height) == (64, 48)
    assert read_video(report.output).shape == (5, 3, 48, 64)
    with pytest.raises(RenderError, match="--paste or --aligned"):
        generate(model, face, None, clip, tmp_path / "t.mp4", paste=True, aligned=True)


def test_a_failure_midway_leaves_nothing(
    tmp_path: Path, model: FakeModel, face: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered = model.render
    calls = iter([None])

    def fail(*codes: torch.Tensor) -> torch.Tensor:
        if next(calls, "over") == "over":
            raise RuntimeError("second chunk")
        return rendered(*codes)

    monkeypatch.setattr(model, "render", fail)
    speech = write_wav(tmp_path / "speech.wav", tone(32_000))
    before = sorted(tmp_path.iterdir())
    with pytest.raises(RuntimeError, match="second chunk"):
        generate(model, face, speech, None, tmp_path / "talk.mp4", batch=8, progress=False)
    assert sorted(tmp_path.iterdir()) == before


def test_an_input_is_never_overwritten(tmp_path: Path, model: FakeModel, face: Path) -> None:
    write_video(tmp_path / "drive.mp4", blues(5))
    clip = tmp_path / "drive.mp4"
    with pytest.raises(OverwriteError, match=re.escape(str(clip))):
        generate(model, face, None, clip, tmp_path / "." / "drive.mp4")
    assert len(read_video(clip)) == 5
