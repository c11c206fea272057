from pathlib import Path

import pytest
import torch

from talkface.data.layout import LayoutError, ManifestNotFoundError
from talkface.data.renderings import RenderingsNotFoundError
from talkface.figures.errors import (
    DifferentTruthError,
    NoCommonClipError,
    RunNameError,
    UnknownClipError,
    UnknownRowError,
)
from talkface.figures.sources import Run, clips_of, matched, rendered_words, sound_of
from tests.figures.kept import keep, renderings


def two_runs(root: Path) -> list[Run]:
    keep(root / "one", "a", "b", "c")
    keep(root / "two", "b", "c", "d", error=40)
    return [Run("one", root / "one"), Run("two", root / "two")]


def test_clips_that_all_runs_have_kept_are_shown_unless_some_are_named(tmp_path: Path) -> None:
    runs = two_runs(tmp_path)
    assert clips_of(runs, [], 3) == ["b", "c"]
    assert clips_of(runs, [], 1) == ["b"]
    assert clips_of(runs[:1], [], None) == ["a", "b", "c"]
    assert clips_of(runs, ["c", "b"], 1) == ["c", "b"]


def test_runs_without_a_common_clip_are_told_with_what_there_is(tmp_path: Path) -> None:
    keep(tmp_path / "one", "a", "b")
    keep(tmp_path / "two", "c")
    runs = [Run("one", tmp_path / "one"), Run("two", tmp_path / "two")]
    with pytest.raises(NoCommonClipError, match=r"\(one: a, b; two: c\)"):
        clips_of(runs, [], 3)


def test_a_folder_without_renderings_is_told(tmp_path: Path) -> None:
    with pytest.raises(RenderingsNotFoundError, match="empty \\(none at all\\)"):
        clips_of([Run("one", tmp_path / "empty")], ["a"], 3)


def test_two_runs_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RunNameError, match="a name of its own, but got: x, x"):
        clips_of([Run("x", tmp_path), Run("x", tmp_path)], [], 3)


def test_matched_frames_are_those_of_one_clip_and_row(tmp_path: Path) -> None:
    match = matched(two_runs(tmp_path), "b", "video")
    assert match.truth.clip == "b"
    assert list(match.frames) == ["one", "two"]
    assert torch.equal(match.truth.rows["truth"], renderings().rows["truth"])
    assert torch.equal(match.frames["two"], renderings(error=40).rows["video"])


def test_matched_clips_are_as_long_as_the_shortest_row(tmp_path: Path) -> None:
    runs = two_runs(tmp_path)
    cut = renderings("b", error=40)
    cut.rows["foreign"] = cut.rows["audio"][:5]
    cut.write(tmp_path / "two")
    match = matched(runs[1:], "b", "foreign")
    assert len(match.truth.rows["truth"]) == len(match.truth.landmarks) == 5
    assert len(match.frames["two"]) == 5


def test_a_row_that_was_not_rendered_is_told_with_those_that_were(tmp_path: Path) -> None:
    with pytest.raises(UnknownRowError, match=r"'b' has no row 'lips'.*truth, copy, audio, video"):
        matched(two_runs(tmp_path), "b", "lips")


def test_a_clip_that_one_run_lacks_is_told(tmp_path: Path) -> None:
    with pytest.raises(RenderingsNotFoundError, match=r"two \(of 'a'; there are: b, c, d\)"):
        matched(two_runs(tmp_path), "a", "video")


def test_runs_on_other_pictures_are_not_compared(tmp_path: Path) -> None:
    runs = two_runs(tmp_path)
    keep(tmp_path / "two", "b", side=48)
    with pytest.raises(DifferentTruthError, match="8 frames of 32 px against 8 frames of 48 px"):
        matched(runs, "b", "video")
    other = renderings("c")
    other.rows["truth"][0, 0, 0, 0] += 1
    other.write(tmp_path / "two")
    with pytest.raises(DifferentTruthError, match="'c' are not those of 'one' in 'two': other pix"):
        matched(runs, "c", "video")


def test_words_are_counted_from_the_first_frame_that_has_sound_before_it(prepared: Path) -> None:
    (word,) = rendered_words(prepared, "s1/clip5")
    assert (word.word, word.start, word.end) == ("NORTH", 0.4 - 0.08, 1.2 - 0.08)
    assert rendered_words(None, "s1/clip5") == []


def test_the_sound_of_a_corpus_is_that_of_the_whole_clip(prepared: Path) -> None:
    sound, (word,) = sound_of(prepared, "s1/clip5")
    assert len(sound) == 40 * 640
    assert (word.word, word.start, word.end) == ("NORTH", 0.4, 1.2)


def test_a_corpus_or_clip_that_is_not_there_is_told(prepared: Path, tmp_path: Path) -> None:
    with pytest.raises(ManifestNotFoundError):
        sound_of(tmp_path, "s1/clip5")
    with pytest.raises(UnknownClipError, match="holds no clip 's9/clip5'"):
        sound_of(prepared, "s9/clip5")
    with pytest.raises(LayoutError, match="cannot name a clip"):
        rendered_words(prepared, "../clip5")
