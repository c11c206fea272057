import pytest
import torch

from talkface.figures.errors import MomentError
from talkface.figures.pictures import closeup, mouth_box, tile
from talkface.figures.sources import Match
from talkface.figures.versus import draw_versus
from tests.figures.kept import SIDE, overlaps, renderings, texts, tiles


def match(clip: str = "a") -> Match:
    one = renderings(clip)
    return Match(one, {"VGG": one.rows["video"], "L1": one.rows["copy"]})


def test_by_default_the_true_mouth_is_widest_and_most_closed() -> None:
    one = match()
    figure = draw_versus([one])
    rows = [one.truth.rows["truth"], one.frames["VGG"], one.frames["L1"]]
    wanted = []
    for frames in rows:
        for frame in (4, 6):
            box = mouth_box(one.truth.landmarks[frame], SIDE)
            wanted += [tile(frames[frame]), closeup(frames[frame], box)]
    assert all(torch.equal(a, b) for a, b in zip(tiles(figure), wanted, strict=True))
    headings = ["0.16 s", "widest open", "0.24 s", "most closed"]
    assert texts(figure) == ["a", *headings, "ground truth", "VGG", "L1"]
    assert overlaps(figure) == []


def test_moments_can_be_chosen_and_clips_follow_each_other() -> None:
    figure = draw_versus([match("a"), match("b")], [0.2, 0.2, 0.0])
    headings = ["0.20 s", "mouth", "0.20 s", "mouth", "0.00 s", "mouth"]
    assert texts(figure)[:7] == ["a", *headings]
    assert len(tiles(figure)) == 2 * 3 * 6


def test_a_mouth_without_landmarks_is_where_it_was_last_seen() -> None:
    one = match()
    one.truth.landmarks[3:6] = torch.nan
    _, mouth, *_ = tiles(draw_versus([one], [0.12]))
    box = mouth_box(one.truth.landmarks[2], SIDE)
    assert torch.equal(mouth, closeup(one.truth.rows["truth"][3], box))


def test_a_moment_after_the_end_is_refused() -> None:
    with pytest.raises(MomentError, match=r"'a' has no moment 0\.5 s: it is 0\.32 s long"):
        draw_versus([match()], [0.5])
