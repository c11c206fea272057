import logging
from pathlib import Path

import pytest
import torch

from talkface.data.media import MediaError, write_video
from talkface.render import NoFaceError, NotAlignedError
from talkface.render.paste import RIM, Paster, soft_mask
from talkface.render.portrait import read_portrait, square
from tests.render.fakes import FakeDetector, blues, write_picture


def test_a_photo_is_cut_to_the_face(face: Path) -> None:
    portrait = read_portrait(face, 32, FakeDetector())
    assert portrait.crop.shape == (3, 32, 32)
    assert portrait.picture.shape == (3, 48, 64)
    assert portrait.crop.unique().tolist() == [150]


def test_a_square_picture_of_the_right_size_is_still_searched(tmp_path: Path) -> None:
    dark = write_picture(tmp_path / "dark.png", level=10, width=32, height=32)
    with pytest.raises(NoFaceError, match=r"searched the picture.*--aligned"):
        read_portrait(dark, 32, FakeDetector())
    assert read_portrait(dark, 32, None).transform is None


def test_of_several_faces_the_largest_is_taken_and_said(
    face: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        several = read_portrait(face, 32, FakeDetector(3))
    assert "3 faces in" in caplog.text
    assert "the largest is taken" in caplog.text
    alone = read_portrait(face, 32, FakeDetector(1))
    assert several.transform is not None
    assert alone.transform is not None
    assert torch.equal(several.transform, alone.transform)


def test_the_first_frame_with_a_face_of_a_video_counts(tmp_path: Path) -> None:
    frames = torch.zeros(12, 3, 48, 48, dtype=torch.uint8)
    frames[9:] = torch.tensor([100, 150, 200]).view(3, 1, 1, 1).to(torch.uint8)
    write_video(tmp_path / "fade.mp4", frames)
    portrait = read_portrait(tmp_path / "fade.mp4", 16, FakeDetector())
    assert abs(portrait.crop.float().mean() - 100) < 4


def test_a_video_without_a_face_says_how_far_it_searched(tmp_path: Path) -> None:
    write_video(tmp_path / "dark.mp4", torch.zeros(12, 3, 48, 48, dtype=torch.uint8))
    with pytest.raises(NoFaceError, match=r"dark.mp4 \(searched 12 frames\)"):
        read_portrait(tmp_path / "dark.mp4", 16, FakeDetector())


def test_an_aligned_crop_is_scaled_and_must_be_square(face: Path) -> None:
    assert square(blues(2, 48), 16, "x").shape == (2, 3, 16, 16)
    assert torch.equal(square(blues(2, 16), 16, "x"), blues(2, 16))
    with pytest.raises(NotAlignedError, match="64x48, not square"):
        read_portrait(face, 32, None)


@pytest.mark.parametrize("name", ["face.png", "face.mp4", "face.unknown"])
def test_text_is_no_identity(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("not a picture")
    with pytest.raises(MediaError, match=name):
        read_portrait(tmp_path / name, 16, FakeDetector())


def test_a_picture_in_memory_is_searched_too() -> None:
    assert read_portrait(blues(1)[0], 16, FakeDetector()).crop.shape == (3, 16, 16)


def test_pasting_the_crop_back_leaves_the_photo_as_it_was() -> None:
    ramp = torch.linspace(80, 200, 96).round().to(torch.uint8)
    photo = torch.stack((ramp.expand(96, 96), ramp[:, None].expand(96, 96), ramp.expand(96, 96)))
    portrait = read_portrait(photo, 64, FakeDetector())
    pasted = Paster(portrait).paste(portrait.crop[None])[0]
    assert (pasted.float() - photo.float()).abs().max() <= 3


def test_a_pasted_face_changes_the_middle_and_nothing_outside() -> None:
    photo = torch.full((3, 97, 97), 100, dtype=torch.uint8)
    portrait = read_portrait(photo, 32, FakeDetector())
    pasted = Paster(portrait).paste(torch.full((2, 3, 32, 32), 200, dtype=torch.uint8))
    assert pasted.shape == (2, 3, 97, 97)
    assert pasted[:, :, 50, 48].unique().tolist() == [200]
    assert pasted[:, :, 0].unique().tolist() == [100]


def test_the_mask_is_one_inside_the_rim_and_fades_out() -> None:
    mask = soft_mask(100)
    rim = int(100 * RIM)
    assert (mask[rim:-rim, rim:-rim] == 1).all()
    assert mask[0].max() < 0.01
    assert (mask[50, :rim].diff() > 0).all()
