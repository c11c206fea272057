import math
from pathlib import Path

import pytest

from talkface.compare.folders import Matching, Refusal
from talkface.compare.results import Compared, compared, finite_mean
from talkface.compare.scores import Score
from talkface.compare.settings import Settings

SETTINGS = Settings(64, None, aligned=True)
OURS = Matching([], {"ours": []}, {"ours": []}, 4)
BOTH = Matching([], {"ours": [], "theirs": []}, {"ours": [], "theirs": []}, 2)


def rows(clip: str, ours: float | None, theirs: float | None, truth: float = 9.0) -> list[Score]:
    """Scores of a clip; None is refused."""
    found = [Score("truth", clip, 4, 0, {"cpbd": truth}), Score("copy", clip, 4, 0, {"cpbd": 0.0})]
    for method, value in (("ours", ours), ("theirs", theirs)):
        figures = {} if value is None else {"cpbd": value}
        refused = "it has no face" if value is None else None
        found.append(Score(method, clip, 4, 0, figures, refused=refused))
    return found


def result(*, paired: bool = True) -> Compared:
    scores = [*rows("a", 1.0, 10.0, 5.0), *rows("b", 2.0, None, 6.0), *rows("c", 3.0, 20.0, 7.0)]
    matching = Matching([], {"ours": [], "theirs": ["d"]}, {"ours": ["x", "y"], "theirs": []}, 4)
    return compared(scores, matching, SETTINGS, paired=paired)


def test_means_are_over_the_clips_in_which_no_method_was_refused() -> None:
    found = result()
    assert found.clips["ours"] == found.clips["truth"] == ["a", "c"]
    assert found.table.get("ours", "cpbd").value == 2
    assert found.table.get("theirs", "cpbd").value == 15
    assert found.table.get("truth", "cpbd").value == 6
    assert found.table.rows() == ["truth", "copy", "ours", "theirs"]
    assert found.table.title("theirs") == "theirs"


def test_unpaired_means_are_over_the_clips_of_each_method() -> None:
    found = result(paired=False)
    assert found.clips["ours"] == ["a", "b", "c"]
    assert found.table.get("ours", "cpbd").value == 2
    assert found.table.get("ours", "cpbd").clips == {"a": 1.0, "b": 2.0, "c": 3.0}
    assert found.clips["theirs"] == ["a", "c"]
    assert found.table.get("truth", "cpbd").value == 6
    assert "the clips of each method" in found.table.notes[0]


def test_nothing_is_left_out_silently() -> None:
    found = result()
    assert found.refusals[0] == Refusal("theirs", "b", "it has no face")
    assert [one[:2] for one in found.refusals[1:]] == [
        ("theirs", "d"),
        ("ours", "x"),
        ("ours", "y"),
    ]
    assert found.table.notes[0] == (
        "Means are over the clips that all methods have. Clips in the means: ours 2 of 4 "
        "(2 not there for another method, 2 without a true clip); "
        "theirs 2 of 4 (1 without a video, 1 refused)."
    )
    assert found.table.details["coverage"]["theirs"]["refused"] == 1


def test_a_true_clip_that_cannot_be_used_is_told_once() -> None:
    scores = [*rows("a", 1.0, 2.0)]
    broken = [Score(row, "b", refused="truncated") for row in ("truth", "copy", "ours", "theirs")]
    found = compared(scores + broken, BOTH, SETTINGS)
    assert [one.method for one in found.refusals] == ["truth", "ours", "theirs"]


def test_what_is_not_finite_is_kept_and_counted_but_not_averaged() -> None:
    values = {"a": 30.0, "b": math.inf, "c": 32.0, "d": math.nan}
    cell = finite_mean(values)
    assert cell.value == 31
    assert cell.clips == pytest.approx(values, nan_ok=True)
    assert finite_mean({"a": math.inf}).value == math.inf
    scores = [
        score
        for clip, value in values.items()
        for score in (
            Score("truth", clip, 4, 0, {"psnr": math.inf}),
            Score("copy", clip, 4, 0, {"psnr": 1.0}),
            Score("ours", clip, 4, 0, {"psnr": value}),
        )
    ]
    table = compared(scores, OURS, SETTINGS).table
    assert table.get("ours", "psnr").value == 31
    assert table.notes[1] == "Not finite, and so not in a mean: PSNR [dB] of ours in 2 of 4."


def test_motion_is_compared_from_the_offset_on() -> None:
    true = [0.0, 0.0, 1.0, 3.0, 2.0, 5.0, 1.0]
    scores = [
        Score("truth", "a", 7, 0, {"cpbd": 1.0}, true, true),
        Score("copy", "a", 7, 0, {"cpbd": 1.0}, [0.0] * 7, [0.0] * 7),
        Score("ours", "a", 5, 2, {"cpbd": 1.0}, true[2:], true[2:]),
    ]
    table = compared(scores, OURS, SETTINGS).table
    assert table.get("ours", "mouth_r").value == pytest.approx(1)
    assert table.get("ours", "mouth_peak").value == 0
    assert table.details["pooled"][0] == "mouth_r"
    assert table.details["motion"]["mouth"]["ours"][5] == pytest.approx(1)


def test_the_protocol_says_how_videos_were_read() -> None:
    scores = rows("a", 1.0, 2.0)
    settings = Settings(128, "mediapipe", offsets={"ours": 2}, syncnet=Path("w/syncnet_v2.model"))
    table = compared(scores, BOTH, settings).table
    assert table.protocol["offsets"] == "ours 2"
    assert table.protocol["SyncNet"] == "syncnet_v2.model"
    assert "own landmarks" in str(table.protocol["alignment"])
