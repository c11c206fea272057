from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from talkface.cli import main
from tests.figures.kept import keep
from tests.render.fakes import tone, write_wav


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tests that kept clips; do not write to it."""
    root = tmp_path_factory.mktemp("tested")
    keep(root / "one", "a", "s1/b")
    keep(root / "two", "a", "c", error=60)
    write_wav(root / "speech.wav", tone(8_000))
    return root


def drawn(root: Path, args: Sequence[str], output: Path) -> Image.Image:
    words = [word.replace("ROOT", str(root)) for word in args]
    main(["figure", *words, "--output", str(output)])
    with Image.open(output) as image:
        image.load()
        return image


FIGURES = {
    "mfcc": ["mfcc", "--audio", "ROOT/speech.wav", "--preset", "psf", "--frames", "5"],
    "strip": ["strip", "ROOT/one", "--columns", "4"],
    "real-fake": ["real-fake", "ROOT/one", "--row", "audio", "--gain", "2"],
    "versus": ["versus", "VGG=ROOT/one", "L1=ROOT/two", "--moments", "0.1"],
    "holes": ["holes", "StyleGAN2=ROOT/one", "up-sampling=ROOT/two", "--worst", "2"],
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_drawn_by_command_and_always_alike(
    tested: Path, tmp_path: Path, name: str
) -> None:
    first = drawn(tested, FIGURES[name], tmp_path / "1.png")
    second = drawn(tested, FIGURES[name], tmp_path / "2.png")
    assert first.tobytes() == second.tobytes()
    assert len(set(first.convert("L").tobytes())) > 20


def test_clips_rows_and_labels_can_be_chosen(tested: Path, tmp_path: Path) -> None:
    output = tmp_path / "a.svg"
    strip = ["figure", "strip", str(tested / "one"), "--output", str(output), "--columns", "2"]
    main(strip)
    whole = output.read_text()
    assert "<!-- a -->" in whole
    assert "<!-- s1/b -->" in whole
    assert "<!-- control" not in whole
    main([*strip, "--clip", "s1/b", "--rows", "truth", "copy", "--labels", "real", "still"])
    part = output.read_text()
    assert "<!-- a -->" not in part
    assert "<!-- still -->" in part
    assert part.count("<image") == 1 + 2 * 2


def test_words_of_a_corpus_are_shown(prepared: Path, tmp_path: Path) -> None:
    keep(tmp_path, "s1/clip5")
    output = str(tmp_path / "a.svg")
    main(["figure", "strip", str(tmp_path), "--corpus", str(prepared), "--output", output])
    assert "<!-- NORTH -->" not in Path(output).read_text()  # said at 0.32 s, when the clip ends
    clip = ["--corpus", str(prepared), "--clip", "s1/clip5"]
    main(["figure", "mfcc", *clip, "--output", output])
    assert "<!-- NORTH -->" in Path(output).read_text()


BAD = {
    "no such kind of file": (["strip", "ROOT/one", "--output", "a.gif"], "must end in one of .png"),
    "no renderings": (["strip", "ROOT"], "No renderings in ROOT (none at all)"),
    "no such clip": (["real-fake", "ROOT/one", "--clip", "z"], "of 'z'; there are: a, s1/b"),
    "no such row": (["real-fake", "ROOT/one", "--row", "lips"], "has no row 'lips'. Choose from"),
    "labels for other rows": (["strip", "ROOT/one", "--labels", "x"], "3 rows need as many"),
    "one run": (["versus", "x=ROOT/one"], "'x' is the only run"),
    "two runs of one name": (["holes", "x=ROOT/one", "x=ROOT/two"], "a name of its own"),
    "no such moment": (["versus", "x=ROOT/one", "y=ROOT/two", "--moments", "3"], "no moment 3 s"),
    "no sound": (["mfcc"], "Which sound?"),
    "two sounds": (["mfcc", "--audio", "a", "--corpus", "b", "--clip", "c"], "Which sound?"),
    "corpus without a clip": (["mfcc", "--corpus", "b"], "Which sound?"),
    "a sound that is not there": (["mfcc", "--audio", "ROOT/no.wav"], "There is no file"),
    "no corpus": (["mfcc", "--corpus", "ROOT", "--clip", "c"], "No prepared corpus under ROOT"),
    "frames after the end": (["mfcc", "--audio", "ROOT/speech.wav", "--frames", "99"], "no moment"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_told_in_one_message(
    tested: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    words, message = BAD[case]
    args = ["figure", *(word.replace("ROOT", str(tested)) for word in words)]
    if "--output" not in args:
        args += ["--output", str(tmp_path / "a.png")]
    with pytest.raises(SystemExit) as stopped:
        main(args)
    told = capsys.readouterr().err
    assert stopped.value.code == 2
    assert told.startswith("talkface figure: error: ")
    assert message.replace("ROOT", str(tested)) in told
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["versus", "ROOT/one", "y=ROOT/two"], "is not NAME=TEST_FOLDER"),
        (["strip", "ROOT/one", "--columns", "0"], "0 is less than 1"),
        (["holes", "x=ROOT/one", "--worst", "0"], "0 is less than 1"),
        (["mfcc", "--audio", "a.wav", "--frames", "-1"], "-1 is less than 0"),
        (["real-fake", "ROOT/one", "--gain", "0"], "0 is not above 0"),
        (["picture"], "invalid choice: 'picture'"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(
    tested: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    args = [word.replace("ROOT", str(tested)) for word in words]
    with pytest.raises(SystemExit) as stopped:
        main(["figure", *args, "--output", "a.png"])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
