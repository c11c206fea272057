from pathlib import Path

import matplotlib as mpl
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from talkface.figures.canvas import Canvas
from talkface.figures.errors import FigureOutputError
from talkface.figures.output import OPTIONS, check_output, save, style


def drawn() -> Figure:
    canvas = Canvas(75, 41)
    canvas.picture(3, 5, torch.arange(3 * 8 * 8, dtype=torch.uint8).view(3, 8, 8))
    canvas.text(20, 5, "real $5")
    return canvas.figure


@pytest.mark.parametrize("suffix", OPTIONS)
def test_equal_figures_give_equal_files_in_folders_made_for_them(
    tmp_path: Path, suffix: str
) -> None:
    paths = [tmp_path / name / f"figure{suffix}" for name in ("a", "b")]
    for path in paths:
        save(drawn(), path)
    first, second = (path.read_bytes() for path in paths)
    assert first == second
    assert [path.name for path in paths[0].parent.iterdir()] == [f"figure{suffix}"]


def test_a_picture_file_has_the_pixels_of_the_page(tmp_path: Path) -> None:
    save(drawn(), tmp_path / "a.PNG")
    with Image.open(tmp_path / "a.PNG") as image:
        assert image.size == (75, 41)
        assert image.convert("RGB").getpixel((3, 5)) == (0, 64, 128)


def test_the_style_of_the_user_does_not_matter(tmp_path: Path) -> None:
    save(drawn(), tmp_path / "a.svg")
    with mpl.rc_context({"text.color": "red", "font.family": "serif", "svg.fonttype": "none"}):
        with style():
            figure = drawn()
        save(figure, tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


@pytest.mark.parametrize("name", ["a.bmp", "a"])
def test_an_unknown_suffix_is_refused_with_those_known(tmp_path: Path, name: str) -> None:
    with pytest.raises(FigureOutputError, match=r"must end in one of \.png, \.svg"):
        check_output(tmp_path / name)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(FigureOutputError, match=r"a\.png is a folder"):
        check_output(tmp_path / "a.png")


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FigureOutputError, match=r"a\.png cannot be written \("):
        save(drawn(), tmp_path / "file" / "a.png")
