import resource
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from talkface.data import media
from talkface.data.media import (
    EmptyMediaError,
    MediaError,
    MissingMediaError,
    NoAudioError,
    NoVideoError,
    OutputError,
    TruncatedMediaError,
    UndecodableMediaError,
    VideoWriter,
    iter_video,
    read_audio,
    read_image,
    read_video,
    write_video,
)

READERS = [read_video, read_audio, read_image]


def ramp(frames: int, height: int = 48, width: int = 64) -> Tensor:
    """Grey frames that say their number: frame i has the grey value 4i."""
    values = 4 * torch.arange(frames, dtype=torch.uint8)
    return values[:, None, None, None].repeat(1, 3, height, width)


def tone(samples: int, rate: int = 16_000) -> Tensor:
    time = torch.arange(samples) / rate
    return (8_000 * torch.sin(2 * torch.pi * 440 * time)).to(torch.int16)


def wav(path: Path, samples: Tensor, rate: int, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.numpy().tobytes())
    return path


def durations(path: Path) -> dict[str, float]:
    with av.open(str(path)) as container:
        return {
            s.type: float(s.duration * s.time_base)
            for s in container.streams
            if s.duration is not None and s.time_base is not None
        }


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("media") / "talk.mp4"
    write_video(path, ramp(50), tone(32_000))
    return path


def test_video_and_sound_come_back(talk: Path) -> None:
    frames, sound = read_video(talk), read_audio(talk)
    assert frames.shape == (50, 3, 48, 64)
    assert (frames.float().mean((1, 2, 3)) - 4 * torch.arange(50)).abs().max() < 3
    error = (sound[1_600:30_400] - tone(32_000)[1_600:30_400]).float()
    assert error.square().mean().sqrt() < 400  # of 8,000: no shift, right pitch, right loudness


@pytest.mark.parametrize("samples", [0, 9_000, 32_000, 60_000])
def test_sound_is_made_as_long_as_the_video(tmp_path: Path, samples: int) -> None:
    path = tmp_path / "out.mp4"
    write_video(path, ramp(30), tone(samples))
    lengths = durations(path)
    assert lengths["video"] == pytest.approx(1.2, abs=1e-3)
    assert lengths["audio"] == pytest.approx(1.2, abs=0.04)
    assert abs(len(read_audio(path)) - 19_200) <= 640


def test_frames_may_come_in_parts_and_in_odd_sizes(tmp_path: Path) -> None:
    path = tmp_path / "out.mkv"
    with VideoWriter(path, 25, (47, 63), tone(16_000)) as writer:
        for part in ramp(25, 47, 63).split(7):
            writer.write(part)
    assert read_video(path).shape == (25, 3, 48, 64)


@pytest.mark.parametrize("fps", [12.5, 30.0, 50.0])
def test_other_rates_are_resampled_by_time(tmp_path: Path, fps: float) -> None:
    path = tmp_path / "out.mp4"
    count = round(fps * 1.2)
    write_video(path, ramp(count), fps=fps)
    shown = read_video(path).float().mean((1, 2, 3)) / 4
    assert len(shown) == 30
    assert (shown - torch.arange(30) * fps / 25).abs().max() < 1.3  # nearest frame


def test_long_videos_are_read_in_batches(talk: Path) -> None:
    batches = list(iter_video(talk, batch=16))
    assert [len(batch) for batch in batches] == [16, 16, 16, 2]
    assert torch.equal(torch.cat(batches), read_video(talk))


def test_sideways_video_is_turned_upright(talk: Path, tmp_path: Path) -> None:
    data = talk.read_bytes()
    upright, turned = np.diag([1 << 16, 1 << 16, 1 << 30]), np.zeros((3, 3), np.int64)
    turned[0, 1], turned[1, 0], turned[2, 2] = 1 << 16, -(1 << 16), 1 << 30
    matrices = [m.astype(">i4").tobytes() for m in (upright, turned)]
    at = data.index(b"tkhd")
    path = tmp_path / "phone.mp4"
    path.write_bytes(data[:at] + data[at:].replace(matrices[0], matrices[1], 1))
    assert read_video(path).shape == (50, 3, 64, 48)


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (48_000, 2), (16_000, 1)])
def test_any_rate_becomes_16_khz_mono(tmp_path: Path, rate: int, channels: int) -> None:
    samples = tone(rate, rate)[:, None].repeat(1, channels)
    sound = read_audio(wav(tmp_path / "in.wav", samples, rate, channels))
    assert abs(len(sound) - 16_000) <= 1
    error = (sound[800:15_000] - tone(16_000)[800:15_000]).float()
    assert error.square().mean().sqrt() < 80


def test_mono_is_the_mean_of_the_channels(tmp_path: Path) -> None:
    left = tone(16_000)
    stereo = torch.stack([left, torch.zeros_like(left)], 1)
    sound = read_audio(wav(tmp_path / "in.wav", stereo, 16_000, 2))
    assert (sound - left // 2).abs().max() <= 1


def test_silence_stays_silence(tmp_path: Path) -> None:
    sound = read_audio(wav(tmp_path / "in.wav", torch.zeros(24_000, dtype=torch.int16), 16_000))
    assert torch.equal(sound, torch.zeros(24_000, dtype=torch.int16))


def test_sound_of_no_length_is_refused(tmp_path: Path) -> None:
    path = wav(tmp_path / "in.wav", torch.zeros(0, dtype=torch.int16), 16_000)
    with pytest.raises(NoAudioError, match="0 seconds long"):
        read_audio(path)


def test_pictures_are_upright_and_opaque(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held sideways
    Image.new("RGB", (30, 20), "red").save(tmp_path / "in.jpg", exif=exif)
    assert read_image(tmp_path / "in.jpg").shape == (3, 30, 20)
    Image.new("RGBA", (4, 2), (10, 20, 30, 0)).save(tmp_path / "in.png")
    assert read_image(tmp_path / "in.png")[:, 0, 0].tolist() == [10, 20, 30]


@pytest.mark.parametrize("read", READERS)
def test_missing_and_empty_files_are_named(tmp_path: Path, read: Callable[[Path], Tensor]) -> None:
    with pytest.raises(MissingMediaError, match=r"no file .*gone\.mp4"):
        read(tmp_path / "gone.mp4")
    with pytest.raises(MissingMediaError, match="is a folder"):
        read(tmp_path)
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(EmptyMediaError, match=r"empty\.mp4 is empty \(0 bytes\)"):
        read(tmp_path / "empty.mp4")


@pytest.mark.parametrize("read", READERS)
def test_text_is_not_media(tmp_path: Path, read: Callable[[Path], Tensor]) -> None:
    path = tmp_path / "text.mp4"
    path.write_text("Once upon a time " * 99)
    with pytest.raises(UndecodableMediaError, match=r"text\.mp4 is not a .* can read"):
        read(path)


def test_a_cut_mp4_is_refused(talk: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.mp4"
    path.write_bytes(talk.read_bytes()[:-200])  # the index stands at the end
    with pytest.raises(UndecodableMediaError, match="may be incomplete"):
        read_video(path)


CODECS = {".mpg": ("mpeg1video", "mp2"), ".mkv": ("libx264", "aac"), ".mp4": ("libx264", "aac")}
CODECS |= {".avi": ("libx264", "libmp3lame"), ".mov": ("libx264", "pcm_s16le")}


def noisy(path: Path) -> Path:
    """Two seconds of video and sound; an MP4 has its index in front, so that it can be cut."""
    noise = np.random.default_rng(0).integers(0, 255, (50, 96, 128, 3), np.uint8)
    names = CODECS[path.suffix]
    options = {"movflags": "faststart"} if path.suffix in {".mp4", ".mov"} else {}
    with av.open(str(path), "w", options=options) as container:
        video: Any = container.add_stream(names[0], 25)  # the type follows from the name
        sound: Any = container.add_stream(names[1], 44_100)
        video.width, video.height, video.pix_fmt = 128, 96, "yuv420p"
        sound.layout = "mono"
        resampler = av.AudioResampler(sound.format, "mono", 44_100)
        for image, part in zip(noise, tone(32_000).split(640), strict=True):
            container.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            frame = av.AudioFrame.from_ndarray(part[None].numpy(), format="s16", layout="mono")
            frame.sample_rate = 16_000
            for resampled in resampler.resample(frame):
                container.mux(sound.encode(resampled))
        for stream in (video, sound):
            container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("suffix", CODECS)
@pytest.mark.parametrize("share", [0.5, 0.7])
@pytest.mark.parametrize("read", [read_video, read_audio])
def test_a_cut_file_is_not_taken_for_a_short_one(
    tmp_path: Path, suffix: str, share: float, read: Callable[[Path], Tensor]
) -> None:
    whole = noisy(tmp_path / f"whole{suffix}")
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(whole.read_bytes()[: int(share * whole.stat().st_size)])
    with pytest.raises(TruncatedMediaError, match="truncated or damaged"):
        read(cut)


@pytest.mark.parametrize("suffix", CODECS)
def test_a_whole_file_of_any_kind_is_read(tmp_path: Path, suffix: str) -> None:
    path = noisy(tmp_path / f"whole{suffix}")
    assert abs(len(read_video(path)) - 50) <= 2
    assert abs(len(read_audio(path)) - 32_000) <= 2_000


@pytest.mark.parametrize("suffix", [".aiff", ".caf", ".au", ".flac"])
def test_sound_that_is_counted_in_samples(tmp_path: Path, suffix: str) -> None:
    path, codec = tmp_path / f"in{suffix}", {".flac": "flac", ".caf": "pcm_s16le"}
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec.get(suffix, "pcm_s16be"), 16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone(16_000)[None].numpy(), "s16", "mono")
        frame.sample_rate = 16_000
        resampler = av.AudioResampler(stream.format, "mono", 16_000, stream.frame_size or 1_000)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    assert torch.equal(read_audio(path), tone(16_000))


def test_the_stream_that_is_wanted_must_be_there(tmp_path: Path) -> None:
    write_video(tmp_path / "mute.mp4", ramp(5))
    with pytest.raises(NoAudioError, match=r"mute\.mp4 has no audio stream"):
        read_audio(tmp_path / "mute.mp4")
    path = wav(tmp_path / "in.wav", tone(1_600), 16_000)
    with pytest.raises(NoVideoError, match=r"in\.wav has no video stream"):
        read_video(path)


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with pytest.raises(MediaError, match=r"\(48, 60\) \(height, width\)"):
        _write_two_sizes(path)
    with pytest.raises(MediaError, match="No frames were written"):
        write_video(path, ramp(0))
    assert list(tmp_path.iterdir()) == []


def _write_two_sizes(path: Path) -> None:
    with VideoWriter(path, 25, (48, 64), tone(16_000)) as writer:
        writer.write(ramp(9))
        writer.write(ramp(9, 48, 60))


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.write_bytes(b"old")
    with pytest.raises(MediaError):
        _write_two_sizes(path)
    assert path.read_bytes() == b"old"


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    noise = torch.randint(0, 255, (60, 3, 48, 64), dtype=torch.uint8)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(OutputError, match=r"out\.mp4 cannot be written \(File too large\)"):
            write_video(tmp_path / "out.mp4", noise, tone(38_400))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_looking_at_the_output_leaves_no_trace(tmp_path: Path) -> None:
    media.check_output(tmp_path / "new" / "deep" / "out.mp4")
    assert list(tmp_path.iterdir()) == []
    write_video(tmp_path / "new" / ("n" * 251 + ".mp4"), ramp(2))
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_an_impossible_output_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.mp4").mkdir()
    for name, message in [
        ("out.txt", r"must end in one of \.mp4"),
        ("folder.mp4", "is a folder"),
        ("file/out.mp4", r"cannot be written \(Not a directory\)"),
        ("n" * 252 + ".mp4", r"cannot be written \(File name too long\)"),
    ]:
        with pytest.raises(OutputError, match=message):
            VideoWriter(tmp_path / name, 25, (48, 64))


def test_every_public_name_exists() -> None:
    assert all(hasattr(media, name) for name in media.__all__)


REAL = sorted(Path(__file__).parents[3].glob("shared/data/*/lipnet_*.mpg"))


@pytest.mark.skipif(not REAL, reason="no real clips beside the repository")
def test_real_clips_are_read_whole() -> None:
    for path in REAL[:3]:
        assert read_video(path).shape == (75, 3, 288, 360)
        assert len(read_audio(path)) == pytest.approx(48_000, abs=640)
