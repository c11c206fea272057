import pytest
import torch
from torch import Tensor

from talkface.figures.canvas import Canvas, text_width
from talkface.figures.sheet import APART, MARGIN, Block, Row, Tile, sheet
from talkface.figures.strips import GAP
from tests.figures.kept import overlaps, pixels, texts

SIDE = 40


def solid(level: int) -> Tensor:
    return torch.full((3, SIDE, SIDE), level, dtype=torch.uint8)


def block(title: str = "clip") -> Block:
    first = Row("a", [Tile(solid(10)), Tile(solid(20)), Tile(solid(30))])
    second = Row("longer", [None, Tile(solid(40), "note\nof two"), Tile(solid(50))])
    return Block(title, ["t\nword", "t", "t"], [first, second])


def edges(page: Tensor, level: int) -> tuple[int, int]:
    """Upper left corner of the tile of one level, all of which must be there."""
    where = (page == level).all(2).nonzero()
    rows, columns = where.amin(0).tolist(), where.amax(0).tolist()
    assert len(where) == SIDE * SIDE
    assert [high - low + 1 for low, high in zip(rows, columns, strict=True)] == [SIDE, SIDE]
    return rows[0], rows[1]


def test_frames_keep_their_pixels_at_whole_places() -> None:
    picture = torch.randint(0, 256, (3, 9, 7), dtype=torch.uint8)
    canvas = Canvas(50, 31)
    canvas.picture(13, 5, picture)
    page = pixels(canvas.figure)
    assert page.shape == (31, 50, 3)
    assert torch.equal(page[5:14, 13:20].permute(2, 0, 1), picture)
    assert (page[:5] == 255).all()
    assert (page[14:] == 255).all()


def test_columns_of_a_group_stand_close_and_groups_apart() -> None:
    page = pixels(sheet([block()], (1, 2)))
    (top, first), (_, second), (_, third) = (edges(page, level) for level in (10, 20, 30))
    assert first == 2 * MARGIN + text_width("longer")
    assert second - first == SIDE + APART
    assert third - second == SIDE + GAP
    assert edges(page, 40) == (top + SIDE + GAP, second)
    assert page.shape[1] == third + SIDE + MARGIN


def test_blocks_follow_each_other_and_nothing_covers_anything() -> None:
    figure = sheet([block("one"), block("two")], (1, 2))
    assert overlaps(figure) == []
    lines = ["one", "t", "word", "t", "t", "a", "longer", "note", "of two"]
    assert texts(figure) == [*lines, "two", *lines[1:]]
    alone = pixels(sheet([block()], (3,)))
    both = pixels(sheet([block(), block()], (3,)))
    assert both.shape[0] == 2 * alone.shape[0] - 2 * MARGIN + APART


def test_a_row_without_tiles_says_why_and_takes_no_more_room() -> None:
    figure = sheet([Block("title", [], [Row("a\nb", [], "nothing to see here")])], (3,))
    assert texts(figure) == ["title", "a", "b", "nothing to see here"]
    assert overlaps(figure) == []
    assert pixels(figure).shape[0] < 120


def test_a_long_title_does_not_leave_the_page() -> None:
    figure = sheet([Block("a title " * 9, [""], [Row("", [Tile(solid(0))])])], (1,))
    assert overlaps(figure) == []


def test_text_is_never_taken_for_a_formula_and_as_wide_as_it_is_said_to_be() -> None:
    for text, bold in (("$x^2$ of m_1", False), ("BECAUSE/test", True)):
        canvas = Canvas(200, 40)
        canvas.text(5, 5, text, bold=bold)
        ink = (pixels(canvas.figure) < 200).any(2).any(0).nonzero()
        assert int(ink.max() - ink.min()) == pytest.approx(text_width(text, bold=bold), abs=4)
    assert text_width("a\nlonger") == text_width("longer")
