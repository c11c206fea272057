import pytest
import torch

from talkface.data.records import WordSpan
from talkface.figures.errors import MomentError, NoLandmarksError
from talkface.figures.moments import (
    frame_at,
    nearest_known,
    seconds,
    widest_and_closed,
    word_at,
)
from tests import fakes

WORDS = (WordSpan("ONE", 0.1, 0.3), WordSpan("TWO", 0.34, 0.6))


def test_times_are_those_at_which_frames_begin() -> None:
    assert [seconds(frame) for frame in (0, 7, 25)] == ["0.00 s", "0.28 s", "1.00 s"]


def test_a_word_is_spoken_where_the_middle_of_the_frame_lies_in_it() -> None:
    assert [word_at(WORDS, frame) for frame in (1, 2, 7, 8, 15)] == ["", "ONE", "", "TWO", ""]


def test_a_time_falls_into_the_frame_that_is_shown_then() -> None:
    assert [frame_at(time, 10, "a") for time in (0.0, 0.039, 0.04, 0.28, 0.399)] == [0, 0, 1, 7, 9]


@pytest.mark.parametrize("time", [-0.1, 0.4, float("nan"), float("inf")])
def test_a_time_outside_the_clip_is_refused(time: float) -> None:
    with pytest.raises(MomentError, match=r"'a' has no moment .* s: it is 0\.4 s long"):
        frame_at(time, 10, "a")


def test_the_widest_and_the_most_closed_mouth_are_found_among_known_frames() -> None:
    points = fakes.landmarks(torch.tensor([0.5, 1.0, 0.2, 0.9, 0.0, 0.1]), 64)
    assert widest_and_closed(points, "a") == (1, 4)
    points[1], points[4] = torch.nan, torch.nan
    assert widest_and_closed(points, "a") == (3, 5)


def test_the_nearest_frame_with_landmarks_lends_its_own() -> None:
    points = fakes.landmarks(torch.zeros(6), 64)
    points[1:5] = torch.nan
    assert [nearest_known(points, frame, "a") for frame in (0, 1, 4, 5)] == [0, 0, 5, 5]


def test_a_clip_without_landmarks_is_told() -> None:
    points = torch.full((3, 68, 2), torch.nan)
    with pytest.raises(NoLandmarksError, match="No frame of clip 'a' has true landmarks"):
        widest_and_closed(points, "a")
    with pytest.raises(NoLandmarksError):
        nearest_known(points, 0, "a")
