from pathlib import Path

import pytest
import torch

from talkface.compare.errors import LengthError, OptionError
from talkface.compare.settings import Settings
from talkface.compare.view import View, Viewer, matched
from talkface.faces import TEMPLATE, NoFaceError
from talkface.render.errors import NotAlignedError
from tests.compare import fakes

SIDE = 64
pytestmark = pytest.mark.usefixtures("spots")


def view(frames: int) -> View:
    """A view whose frames, points and sound count on."""
    count = torch.arange(frames)
    levels = count.byte()[:, None, None, None].expand(-1, 3, 8, 8)
    points = count.float()[:, None, None].expand(-1, 68, 2)
    return View(levels, points, torch.arange(frames * 640).short())


def test_every_video_is_aligned_by_its_own_landmarks(tmp_path: Path) -> None:
    viewer = Viewer(Settings(SIDE), fakes.Spots())
    near = fakes.write(tmp_path / "near.mp4", fakes.talking())
    seen = viewer.look(near)
    assert seen.frames.shape == (12, 3, SIDE, SIDE)
    assert seen.landmarks is not None
    eye = seen.landmarks[:, 36:42].mean((0, 1))
    torch.testing.assert_close(eye, SIDE * torch.tensor(TEMPLATE[0]) - 0.5, atol=0.7, rtol=0)
    moved = fakes.write(tmp_path / "moved.mp4", torch.stack([fakes.face(0.05, 20.0, 80.0)] * 12))
    other = viewer.look(moved).landmarks
    assert other is not None
    torch.testing.assert_close(other[:, 36:42].mean((0, 1)), eye, atol=0.7, rtol=0)


def test_frames_without_a_face_are_bridged_for_the_crop_and_unknown_to_the_judges(
    tmp_path: Path,
) -> None:
    path = fakes.write(tmp_path / "gap.mp4", fakes.talking(dark=[3, 4]))
    seen = Viewer(Settings(SIDE), fakes.Spots()).look(path)
    assert seen.landmarks is not None
    unknown = seen.landmarks.isnan().all(2).all(1)
    assert unknown.nonzero().flatten().tolist() == [3, 4]
    assert len(seen.frames) == 12


@pytest.mark.parametrize("aligned", [False, True])
def test_a_long_gap_is_refused(tmp_path: Path, aligned: bool) -> None:
    frames = fakes.talking(dark=range(2, 8))[:, :, :, 20:180]
    path = fakes.write(tmp_path / "gap.mp4", frames)
    with pytest.raises(NoFaceError, match="No face in frames 2-7 of 12"):
        Viewer(Settings(SIDE, aligned=aligned), fakes.Spots()).look(path)


def test_aligned_crops_are_only_scaled_and_need_no_landmarks(tmp_path: Path) -> None:
    frames = torch.full((4, 3, 128, 128), 90, dtype=torch.uint8)
    path = fakes.write(tmp_path / "crop.mp4", frames)
    seen = Viewer(Settings(SIDE, None, aligned=True), None).look(path)
    assert seen.landmarks is None
    assert seen.frames.shape == (4, 3, SIDE, SIDE)
    assert (seen.frames.float() - 90).abs().max() < 4
    wide = fakes.write(tmp_path / "wide.mp4", frames[..., :96])
    with pytest.raises(NotAlignedError, match="96x128, not square"):
        Viewer(Settings(SIDE, None, aligned=True), None).look(wide)


def test_sound_is_only_read_where_it_is_judged(tmp_path: Path) -> None:
    loud = fakes.write(tmp_path / "loud.mp4", fakes.talking(), sound=True)
    mute = fakes.write(tmp_path / "mute.mp4", fakes.talking())
    judged = Viewer(Settings(SIDE, syncnet=Path("x")), fakes.Spots())
    heard = judged.look(loud).sound
    assert heard is not None
    assert abs(len(heard) - 12 * 640) < 1100  # AAC counts in packets
    assert judged.look(mute).sound is None
    assert Viewer(Settings(SIDE), fakes.Spots()).look(loud).sound is None


def test_landmarks_can_only_be_left_out_of_aligned_videos() -> None:
    with pytest.raises(OptionError, match="need --landmarks"):
        Settings(landmarks=None)


@pytest.mark.parametrize(("found", "kept"), [(9, 9), (10, 10), (11, 10)])
def test_videos_of_about_the_same_length_are_cut_to_the_shorter(found: int, kept: int) -> None:
    shown, true = matched(view(found), view(10), 0, 1)
    assert shown.frames[:, 0, 0, 0].tolist() == true.frames[:, 0, 0, 0].tolist() == [*range(kept)]
    assert shown.sound is not None
    assert len(shown.sound) == kept * 640


def test_other_lengths_are_refused_with_what_was_found() -> None:
    text = r"It has 7 frames .* the true clip 10: more than 1 apart. --allow-mismatch 3 would"
    with pytest.raises(LengthError, match=text):
        matched(view(7), view(10), 0, 1)
    for found in (8, 12):
        with pytest.raises(LengthError, match="--allow-mismatch 2"):
            matched(view(found), view(10), 0, 1)
    assert len(matched(view(7), view(10), 0, 3)[1].frames) == 7


def test_an_offset_compares_the_first_frame_with_a_later_true_one() -> None:
    shown, true = matched(view(7), view(10), 3, 0)
    assert shown.frames[:, 0, 0, 0].tolist() == [*range(7)]
    assert true.frames[:, 0, 0, 0].tolist() == [*range(3, 10)]
    assert true.landmarks is not None
    assert true.landmarks[0, 0, 0] == 3
    assert true.sound is not None
    assert true.sound[0] == 3 * 640
    with pytest.raises(LengthError, match="the true clip 8 after the first 2"):
        matched(view(5), view(10), 2, 1)
    with pytest.raises(LengthError):
        matched(view(1), view(10), 10, 5)


def test_a_still_repeats_the_first_frame_and_is_silent() -> None:
    still = view(5).still()
    assert still.frames.shape[0] == 5
    assert (still.frames == 0).all()
    assert still.sound is None
