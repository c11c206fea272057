"""Miniature raw corpora in the folders of the real ones: a drawn face, and a tone in clips."""

import json
import math
import wave
from pathlib import Path

import av
import numpy as np
import torch
from PIL import Image

from talkface.data.media import write_video
from tests.faces.drawn import draw, face_points, placed

ALIGN = "0 2500 sil\n2500 7500 {0}\n7500 8000 sp\n8000 12000 soon\n12000 15000 sil\n"


def write_clip(path: Path, frames: int = 15, corner: float = 40.0) -> None:
    """A face that moves right by half a pixel per frame, and its landmarks beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    track = [placed(face_points(), size=60.0, corner=(corner + t / 2, 20.0)) for t in range(frames)]
    pictures = torch.stack([draw(points, 96, 128, sigma=3.0) for points in track])
    time = torch.arange(frames * 640) / 16_000
    tone = (8000 * torch.sin(2 * math.pi * 220 * time)).to(torch.int16)
    write_video(path.with_suffix(".mp4"), pictures, tone)
    np.save(path.with_suffix(".landmarks.npy"), torch.stack(track).numpy())


def write_picture(path: Path, size: float = 60.0, corner: float = 40.0) -> None:
    """A face as a picture, and its landmarks beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    points = placed(face_points(), size=size, corner=(corner, 20.0))
    Image.fromarray(draw(points, 96, 128, sigma=3.0).permute(1, 2, 0).numpy()).save(path)
    np.save(path.with_suffix(".landmarks.npy"), points[None].numpy())


def face_tree(root: Path, people: dict[str, int]) -> Path:
    """``root/NAME/0.png`` with landmarks, so many of each person."""
    for place, (name, count) in enumerate(people.items()):
        for number in range(count):
            write_picture(root / name / f"{number}.png", 50.0 + 5 * place, 20.0 + 2 * number)
    return root


def grid_tree(root: Path, names: dict[str, tuple[str, ...]]) -> Path:
    """``root/s1/bbaf2n.mp4`` with ``root/align/s1/bbaf2n.align`` for the clips of each speaker."""
    for speaker, clips in names.items():
        for number, name in enumerate(clips):
            write_clip(root / speaker / f"{name}.mp4", corner=30.0 + 2 * (number % 16))
            align = root / "align" / speaker / f"{name}.align"
            align.parent.mkdir(parents=True, exist_ok=True)
            align.write_text(ALIGN.format(name[0] * 3))
    return root


def lrw_tree(root: Path, words: tuple[str, ...] = ("ABOUT", "MIGHT")) -> Path:
    """``root/lipread_mp4/WORD/{train,val,test}/WORD_00001.mp4`` with the ``.txt`` of LRW."""
    for word in words:
        for split, count in {"train": 2, "val": 1, "test": 1}.items():
            for number in range(1, count + 1):
                path = root / "lipread_mp4" / word / split / f"{word}_{number:05d}.mp4"
                write_clip(path, frames=29)
                path.with_suffix(".txt").write_text(
                    "Disk reference: 6110\nChannel: BBC1\nProgram start: 1900\n"
                    "Clip start: 2.00\nClip end: 3.16\nDuration: 0.40 seconds\n"
                )
    return root


def write_speaker(path: Path, **fields: object) -> None:
    """The ``.json`` beside a clip."""
    path.with_suffix(".json").write_text(json.dumps(fields))


def write_recording(root: Path, stem: str, frames: int = 30, corner: float = 40.0) -> None:
    """A clip as CREMA-D has it, 30 frames per second, landmarks for 25; the video is silent."""
    video, sound = root / "VideoFlash" / f"{stem}.flv", root / "AudioWAV" / f"{stem}.wav"
    for path in (video, sound):
        path.parent.mkdir(parents=True, exist_ok=True)
    track = [placed(face_points(), size=60.0, corner=(corner + t / 3, 20.0)) for t in range(frames)]
    with av.open(str(video), "w", format="flv") as container:
        stream = container.add_stream("flv", rate=30)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        stream.bit_rate = 4_000_000
        for points in track:
            picture = draw(points, 96, 128, sigma=3.0).permute(1, 2, 0).numpy()
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    kept = [track[round(1.2 * t)] for t in range(round(frames / 1.2))]
    np.save(video.with_suffix(".landmarks.npy"), torch.stack(kept).numpy())
    write_wav(sound, frames / 30)


def write_wav(path: Path, seconds: float) -> None:
    """Noise, with a tone from a quarter to three quarters of the time."""
    time = np.arange(round(seconds * 16_000)) / 16_000
    spoken = (time >= seconds / 4) & (time < 3 * seconds / 4)
    noise = np.random.default_rng(0).normal(0, 20, len(time))
    samples = noise + 8000 * spoken * np.sin(2 * math.pi * 220 * time)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", "not compressed"))
        file.writeframes(samples.astype("<i2").tobytes())


def cremad_tree(root: Path, stems: tuple[str, ...], actors: str = "") -> Path:
    """``VideoFlash/STEM.flv``, ``AudioWAV/STEM.wav`` and ``VideoDemographics.csv``."""
    for number, stem in enumerate(stems):
        write_recording(root, stem, corner=30.0 + 2 * (number % 16))
    table = "ActorID,Age,Sex,Race,Ethnicity\n1001,51,Male,Caucasian,Not Hispanic\n"
    (root / "VideoDemographics.csv").write_text(table + actors)
    return root
