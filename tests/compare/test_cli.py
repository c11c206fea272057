import argparse
from pathlib import Path
from typing import Any

import pytest

from talkface.cli.command import main
from talkface.compare import cli
from talkface.compare.errors import OptionError


def parsed(*args: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    return parser.parse_args(["--real", "real", "--output", "out", *args])


def refused(capsys: pytest.CaptureFixture[str], folder: Path, *args: str) -> str:
    """The one message with which a command ends."""
    given = ["compare", "--real", str(folder / "real"), "--output", str(folder / "out"), *args]
    with pytest.raises(SystemExit) as caught:
        main(given)
    assert caught.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("talkface compare: error: ")
    assert message.count("\n") == 1
    return message


@pytest.mark.parametrize("given", ["wav2lip", "=dir", "ours=", "truth=dir", "a/b=dir", "../x=dir"])
def test_a_method_needs_a_name_and_a_folder(given: str) -> None:
    with pytest.raises(OptionError, match="is not NAME=DIR"):
        cli.folders([given])


def test_a_method_comes_once_and_its_folder_may_hold_an_equals_sign() -> None:
    assert cli.folders(["a=x=y", "Wav2Lip + GAN=z"]) == {
        "a": Path("x=y"),
        "Wav2Lip + GAN": Path("z"),
    }
    with pytest.raises(OptionError, match="--method a comes twice: x and y"):
        cli.folders(["a=x", "a=y"])


def test_an_offset_is_of_a_method_that_is_compared() -> None:
    assert cli.offsets(["davs=2"], ["davs"]) == {"davs": 2}
    for given in ("sda=2", "davs=-1", "davs"):
        with pytest.raises(OptionError, match=r"is not NAME=FRAMES.*the methods: davs"):
            cli.offsets([given], ["davs"])


def test_options_become_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def caught(real: Path, methods: dict[str, Path], output: Path, *args: Any, **more: Any) -> None:
        seen.update(more, real=real, methods=methods, output=output, settings=args[0])

    monkeypatch.setattr(cli, "compare", caught)
    cli.run(parsed("--method", "a=x", "--allow-mismatch", "3", "--offset", "a=2", "--unpaired"))
    settings = seen["settings"]
    assert (settings.landmarks, settings.mismatch, settings.offsets) == (
        "face-alignment",
        3,
        {"a": 2},
    )
    assert (settings.side, seen["paired"], seen["workers"]) == (256, False, 2)
    cli.run(parsed("--method", "a=x", "--aligned"))
    assert (seen["settings"].landmarks, seen["paired"]) == (None, True)
    cli.run(parsed("--method", "a=x", "--aligned", "--landmarks", "mediapipe"))
    assert seen["settings"].landmarks == "mediapipe"


def test_an_interrupted_run_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "compare", interrupted)
    with pytest.raises(SystemExit) as caught:
        cli.run(parsed("--method", "a=x"))
    assert caught.value.code == 130
    assert "run the same command again" in caplog.text


def test_numbers_that_make_no_sense_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for option, value in (("--side", "16"), ("--workers", "-1"), ("--allow-mismatch", "-1")):
        with pytest.raises(SystemExit):
            parsed("--method", "a=x", option, value)
        assert f"argument {option}: must be" in capsys.readouterr().err


def test_each_mistake_is_one_message(
    capsys: pytest.CaptureFixture[str], videos: Path, spots: None
) -> None:
    same = f"same={videos / 'same'}"
    assert "is not NAME=DIR" in refused(capsys, videos, "--method", "same")
    assert "comes twice" in refused(capsys, videos, "--method", same, "--method", same)
    assert "does not exist" in refused(capsys, videos, "--method", f"x={videos / 'nowhere'}")
    (videos / "none").mkdir()
    assert "No video" in refused(capsys, videos, "--method", f"x={videos / 'none'}")
    deeper = f"x={videos / 'same' / 'a'}"
    assert "those of x one" in refused(capsys, videos, "--method", deeper)
    inside = ["--method", same, "--output", str(videos / "same" / "out")]
    assert "lie within each other" in refused(capsys, videos, *inside)


def test_the_command_explains_itself(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["compare", "--help"])
    assert caught.value.code == 0
    assert "--method NAME=DIR" in capsys.readouterr().out
