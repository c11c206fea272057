import pytest
import torch

from talkface.data.records import WordSpan
from talkface.figures.clip_strip import draw_strips
from talkface.figures.errors import UnknownRowError
from talkface.figures.pictures import tile
from tests.figures.kept import overlaps, renderings, texts, tiles

ROWS = {"truth": "ground truth", "audio": "ours"}


def test_a_strip_shows_the_portrait_once_and_every_row_at_even_moments() -> None:
    clip = renderings()
    shown = tiles(draw_strips([clip], ROWS, columns=3))
    wanted = [clip.identity]
    wanted += [clip.rows[row][at] for row in ROWS for at in (0, 4, 7)]
    assert len(shown) == len(wanted)
    for one, frame in zip(shown, wanted, strict=True):
        assert torch.equal(one, tile(frame))


def test_times_and_words_stand_above_their_frames_and_cover_nothing() -> None:
    clips = [renderings("a"), renderings("b")]
    figure = draw_strips(clips, ROWS, {"b": [WordSpan("BECAUSE", 0.1, 0.2)]}, columns=3)
    times = ["0.00 s", "0.16 s", "0.28 s"]
    spoken = ["0.00 s", "0.16 s", "BECAUSE", "0.28 s"]
    labels = ["ground truth", "ours"]
    assert texts(figure) == ["a", "identity", *times, *labels, "b", "identity", *spoken, *labels]
    assert overlaps(figure) == []


def test_a_row_that_ends_early_ends_early_in_the_strip() -> None:
    clip = renderings()
    clip.rows["foreign"] = clip.rows["audio"][:5]
    assert len(tiles(draw_strips([clip], {"foreign": "control"}, columns=3))) == 1 + 2


def test_an_unknown_row_is_told() -> None:
    with pytest.raises(UnknownRowError, match="no row 'lips'"):
        draw_strips([renderings()], {"lips": "lips"})
