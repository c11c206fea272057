from pathlib import Path

import pytest

from talkface.compare.errors import (
    EmptyFolderError,
    MissingFolderError,
    NestedOutputError,
    NoCommonClipError,
    NothingSharedError,
    SameNameError,
)
from talkface.compare.folders import check_output, find_videos, match


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


def named(*names: str) -> dict[str, Path]:
    return {name: Path(f"{name}.mp4") for name in names}


def test_a_clip_is_called_by_its_place_below_the_folder_without_suffix(tmp_path: Path) -> None:
    touch(tmp_path, "s1/a.mpg", "s2/a.MP4", "b.c.avi", "notes.txt", ".hidden/d.mp4", "s1/.e.mp4")
    found = find_videos(tmp_path, "ours")
    assert found == {
        "s1/a": tmp_path / "s1/a.mpg",
        "s2/a": tmp_path / "s2/a.MP4",
        "b.c": tmp_path / "b.c.avi",
    }


def test_a_folder_that_is_missing_or_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFolderError, match=r"folder of wav2lip, .*nowhere, does not exist"):
        find_videos(tmp_path / "nowhere", "wav2lip")
    touch(tmp_path, "a.mp4")
    with pytest.raises(MissingFolderError, match="is a file"):
        find_videos(tmp_path / "a.mp4", "wav2lip")


def test_a_folder_without_videos_says_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(EmptyFolderError, match=r"it is empty. Looked for .avi"):
        find_videos(tmp_path, "davs")
    touch(tmp_path, "1.png", "2.png")
    with pytest.raises(EmptyFolderError, match=r"it holds 1.png, 2.png"):
        find_videos(tmp_path, "davs")


def test_two_videos_of_one_name_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, "s1/a.avi", "s1/a.mp4")
    with pytest.raises(SameNameError, match=r"of davs have one name: .*a\.avi and .*a\.mp4"):
        find_videos(tmp_path, "davs")


def test_means_are_over_clips_that_all_methods_have_unless_told_otherwise() -> None:
    real = named("a", "b", "c", "d")
    methods = {"ours": named("a", "b", "x"), "theirs": named("b", "c")}
    found = match(real, methods, pictured=1)
    assert [(clip.name, sorted(clip.videos)) for clip in found.clips] == [("b", ["ours", "theirs"])]
    assert found.missing == {"ours": ["c", "d"], "theirs": ["a", "d"]}
    assert found.extra == {"ours": ["x"], "theirs": []}
    assert found.total == 4
    each = match(real, methods, paired=False, pictured=1).clips
    assert [(clip.name, *clip.videos) for clip in each] == [
        ("a", "ours"),
        ("b", "ours", "theirs"),
        ("c", "theirs"),
    ]
    assert [clip.pictured for clip in each] == [True, False, False]


def test_a_method_without_a_common_name_is_shown_with_names_of_both() -> None:
    with pytest.raises(
        NoCommonClipError,
        match=r"No clip of ours .* for example, s1/a, s1/b, s1/c and 1 more; those of ours a, b\.",
    ):
        match(named("s1/a", "s1/b", "s1/c", "s1/d"), {"ours": named("a", "b")})


def test_methods_that_share_no_clip_are_told_their_coverage() -> None:
    methods = {"ours": named("a"), "theirs": named("b")}
    with pytest.raises(NothingSharedError, match=r"ours has 1 of 3; theirs has 1 of 3.*--unpaired"):
        match(named("a", "b", "c"), methods)


@pytest.mark.parametrize("output", ["real", "real/results", "ours/x/y", "real/../ours"])
def test_results_never_end_up_among_videos(tmp_path: Path, output: str) -> None:
    touch(tmp_path, "real/a.mp4", "ours/a.mp4")
    with pytest.raises(NestedOutputError, match="outside the folders of videos"):
        check_output(tmp_path / output, tmp_path / "real", {"ours": tmp_path / "ours"})


def test_videos_may_lie_beside_results_but_not_where_scores_are_kept(tmp_path: Path) -> None:
    check_output(tmp_path, tmp_path / "real", {"ours": tmp_path / "ours"})
    with pytest.raises(NestedOutputError, match="true clips"):
        check_output(tmp_path, tmp_path / "clips" / "real", {"ours": tmp_path / "ours"})
