import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from talkface.cli import main
from talkface.data.media import read_video
from tests.render.fakes import (
    FakeDetector,
    FakeModel,
    tone,
    write_clip,
    write_picture,
    write_truncated,
    write_wav,
)

Options = dict[str, Path | None]
Prepare = Callable[[Path], Options]


def cut(clip: Path) -> Path:
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size * 2 // 3])
    return clip


def text(path: Path) -> Path:
    path.write_text("This is no video.")
    return path


def empty(path: Path) -> Path:
    path.touch()
    return path


BAD: dict[str, tuple[Prepare, str]] = {
    "no drive": (lambda _: {"audio": None}, "give sound (--audio speech.wav)"),
    "missing sound": (lambda d: {"audio": d / "none.wav"}, "There is no file"),
    "missing identity": (lambda d: {"identity": d / "none.png"}, "There is no file"),
    "missing driving": (lambda d: {"driving": d / "none.mp4"}, "There is no file"),
    "empty sound": (lambda d: {"audio": empty(d / "e.wav")}, "is empty (0 bytes)"),
    "empty identity": (lambda d: {"identity": empty(d / "e.png")}, "is empty (0 bytes)"),
    "empty driving": (lambda d: {"driving": empty(d / "e.mp4")}, "is empty (0 bytes)"),
    "text as sound": (lambda d: {"audio": text(d / "t.mp4")}, "not a media file"),
    "text as identity": (lambda d: {"identity": text(d / "t.mp4")}, "not a media file"),
    "text as driving": (lambda d: {"driving": text(d / "t.mp4")}, "not a media file"),
    "text as photo": (lambda d: {"identity": text(d / "t.jpg")}, "not a picture"),
    "cut off": (lambda d: {"driving": cut(write_clip(d / "t.mp4", 60))}, "It may be incomplete"),
    "truncated": (lambda d: {"driving": write_truncated(d / "t.mp4")}, "truncated or damaged"),
    "mute video": (
        lambda d: {"audio": write_clip(d / "m.mp4", 5, sound=False)},
        "m.mp4 has no audio stream",
    ),
    "sound as driving": (
        lambda d: {"driving": write_wav(d / "s.wav", tone(8_000))},
        "s.wav has no video stream",
    ),
    "sound as identity": (
        lambda d: {"identity": write_wav(d / "s.wav", tone(8_000))},
        "s.wav",
    ),
    "no face": (
        lambda d: {"identity": write_picture(d / "dark.png", level=0)},
        "No face found in",
    ),
    "0 s": (
        lambda d: {"audio": write_wav(d / "0.wav", torch.zeros(0, dtype=torch.int16))},
        "0 seconds long",
    ),
    "output in a file": (lambda d: {"output": text(d / "file") / "talk.mp4"}, "(Not a directory)"),
    "output with a name too long": (lambda d: {"output": d / ("n" * 252 + ".mp4")}, "too long"),
    "output in no place": (lambda _: {"output": Path("/proc/talk.mp4")}, "cannot be written"),
    "output is an input": (
        lambda d: dict.fromkeys(("audio", "output"), write_clip(d / "a.mp4", 5)),
        "is one of the inputs",
    ),
    "bad sound, new folder": (
        lambda d: {"audio": empty(d / "e.wav"), "output": d / "new" / "talk.mp4"},
        "is empty (0 bytes)",
    ),
    "name too long": (
        lambda d: {"audio": d / ("n" * 300)},
        "cannot be opened (File name too long)",
    ),
    "output is a folder": (lambda d: {"output": folder(d / "talk.mp4")}, "is a folder"),
    "output of another kind": (lambda d: {"output": d / "talk.avi"}, "must end in one of"),
}


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def arguments(options: Options) -> list[str]:
    return [part for key, value in options.items() if value for part in (f"--{key}", str(value))]


def usual(tmp_path: Path, face: Path, checkpoint: Path) -> Options:
    speech = write_wav(tmp_path / "speech.wav", tone(16_000))
    output = tmp_path / "talk.mp4"
    return {"checkpoint": checkpoint, "identity": face, "audio": speech, "output": output}


@pytest.mark.usefixtures("detector")
@pytest.mark.parametrize(("prepare", "message"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_one_message_status_two_and_no_file(
    tmp_path: Path,
    face: Path,
    checkpoint: Path,
    capfd: pytest.CaptureFixture[str],
    prepare: Prepare,
    message: str,
) -> None:
    options = usual(tmp_path, face, checkpoint) | prepare(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SystemExit) as stop:
        main(["generate", *arguments(options), "--quiet"])
    told = capfd.readouterr().err
    assert stop.value.code == 2
    assert told.startswith("talkface generate: error: ")
    assert message in told
    assert told.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.usefixtures("detector")
def test_a_talking_face_is_written_into_a_new_folder(
    tmp_path: Path, face: Path, checkpoint: Path
) -> None:
    options = usual(tmp_path, face, checkpoint) | {"output": tmp_path / "new" / "talk.mp4"}
    main(["generate", *arguments(options), "--quiet"])
    assert len(read_video(tmp_path / "new" / "talk.mp4")) == 25


@pytest.mark.usefixtures("detector")
def test_an_interrupt_leaves_nothing_and_is_told(
    tmp_path: Path,
    face: Path,
    model: FakeModel,
    checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    rendered = model.render

    def interrupted(*codes: torch.Tensor) -> torch.Tensor:
        monkeypatch.setattr(model, "render", press)
        return rendered(*codes)

    def press(*_: torch.Tensor) -> torch.Tensor:
        raise KeyboardInterrupt

    monkeypatch.setattr(model, "render", interrupted)
    options = usual(tmp_path, face, checkpoint)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(SystemExit) as stop:
        main(["generate", *arguments(options), "--quiet"])
    assert stop.value.code == 130
    assert f"Interrupted: {options['output']} was not written" in caplog.text
    assert sorted(tmp_path.iterdir()) == before


def test_progress_and_several_faces_are_told_on_stderr(
    tmp_path: Path,
    face: Path,
    checkpoint: Path,
    detector: FakeDetector,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    detector.faces = 2
    main(["generate", *arguments(usual(tmp_path, face, checkpoint))])
    assert "2 faces in" in caplog.text
    told = capfd.readouterr().err
    assert "25/25" in told
    assert "frame/s" in told


@pytest.mark.slow
def test_the_process_ends_with_status_two_and_one_line(tmp_path: Path, face: Path) -> None:
    speech = write_wav(tmp_path / "speech.wav", tone(16_000))
    options: Options = {
        "checkpoint": text(tmp_path / "last.ckpt"),
        "identity": face,
        "audio": speech,
        "output": tmp_path / "talk.mp4",
    }
    command = [sys.executable, "-m", "talkface", "generate", *arguments(options)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "is not a usable talkface checkpoint" in ended.stderr
    assert not (tmp_path / "talk.mp4").exists()
