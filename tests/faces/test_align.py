import math

import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from talkface.faces import (
    TEMPLATE,
    Face,
    FaceError,
    NoFaceError,
    align_clip,
    align_image,
    clip_transforms,
    crop,
    move_points,
)
from talkface.faces.align import STEADY
from tests.faces.drawn import KnownFaces, draw, face_points, placed

SIDE = 64


def in_template(side: int) -> Float[Tensor, "3 2"]:
    return torch.tensor(TEMPLATE) * side - 0.5


def parts(points: Float[Tensor, "68 2"]) -> Float[Tensor, "3 2"]:
    return torch.stack([points[a:b].mean(dim=0) for a, b in ((36, 42), (42, 48), (48, 68))])


@pytest.mark.parametrize("degrees", [0.0, 20.0, -35.0])
@pytest.mark.parametrize("side", [64, 256])
def test_a_known_similarity_is_recovered(degrees: float, side: int) -> None:
    source = placed(face_points(), size=120.0, corner=(33.3, -7.1), degrees=degrees)
    matrix = clip_transforms(source.expand(5, 68, 2), side)[2]
    expected = side / 120.0
    assert matrix[:, :2].det().sqrt().item() == pytest.approx(expected, rel=0.02)
    angle = math.degrees(math.atan2(matrix[1, 0].item(), matrix[0, 0].item()))
    assert angle == pytest.approx(-degrees, abs=0.5)
    torch.testing.assert_close(
        parts(move_points(source[None], matrix[None])[0]),
        in_template(side),
        atol=0.02 * side,
        rtol=0,
    )


def test_a_face_like_the_template_lands_on_it_exactly() -> None:
    points = face_points()
    points[36:42] += torch.tensor(TEMPLATE[0]) - points[36:42].mean(dim=0)
    points[42:48] += torch.tensor(TEMPLATE[1]) - points[42:48].mean(dim=0)
    points[48:68] += torch.tensor(TEMPLATE[2]) - points[48:68].mean(dim=0)
    source = placed(points, size=77.0, degrees=10.0)[None]
    moved = move_points(source, clip_transforms(source, SIDE))[0]
    torch.testing.assert_close(parts(moved), in_template(SIDE), atol=1e-3, rtol=0)


def test_a_still_face_gets_one_constant_transform() -> None:
    transforms = clip_transforms(placed(face_points()).expand(40, 68, 2), SIDE)
    torch.testing.assert_close(transforms, transforms[:1].expand_as(transforms))


def test_the_shift_follows_a_moving_head_up_to_the_ends_of_the_clip() -> None:
    steps = torch.arange(30.0)[:, None, None] * torch.tensor([1.5, -0.5])
    source = placed(face_points()) + steps
    moved = move_points(source, clip_transforms(source, SIDE))
    torch.testing.assert_close(moved, moved[:1].expand_as(moved), atol=1e-3, rtol=0)


def test_speech_and_blinks_do_not_move_the_crop() -> None:
    talking = torch.stack([placed(face_points(0.03 + 0.03 * math.sin(t))) for t in range(40)])
    talking[::7, 37:39, 1] += 3.0
    transforms = clip_transforms(talking, SIDE)
    torch.testing.assert_close(transforms, transforms[:1].expand_as(transforms))


def test_detector_noise_is_smoothed_away() -> None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(100, 1, 2, generator=generator).expand(100, 68, 2)
    noisy = placed(face_points()) + noise
    shift = clip_transforms(noisy, SIDE)[:, :, 2]
    raw = noise[:, 0] * SIDE / 100
    assert shift.diff(dim=0).std() < 0.1 * raw.diff(dim=0).std()


def test_points_that_coincide_are_refused() -> None:
    with pytest.raises(FaceError, match="coincide"):
        clip_transforms(torch.zeros(3, 68, 2), SIDE)


@pytest.mark.parametrize("side", [32, 64, 128, 256])
def test_the_crop_shows_a_point_where_the_transform_says(side: int) -> None:
    points = placed(face_points(), size=100.0, degrees=12.0)
    transforms = clip_transforms(points[None], side)
    image = crop(draw(points)[None], transforms, side)[0].double()
    grid = torch.stack(
        torch.meshgrid(torch.arange(side), torch.arange(side), indexing="xy"), dim=-1
    ).double()
    weight = image.square()[..., None]
    centroid = (weight * grid).sum(dim=(1, 2)) / weight.sum(dim=(1, 2))
    expected = parts(move_points(points[None], transforms)[0]).double()
    torch.testing.assert_close(centroid, expected, atol=0.1, rtol=0)
    torch.testing.assert_close(centroid, in_template(side).double(), atol=0.5 + 0.02 * side, rtol=0)


def test_shrinking_does_not_alias() -> None:
    stripes = (torch.arange(200) % 2 * 255).to(torch.uint8).expand(1, 3, 160, 200)
    transforms = torch.tensor([[[0.25, 0.0, 0.0], [0.0, 0.25, 0.0]]])
    shrunk = crop(stripes, transforms, 32).float()
    assert shrunk[..., 2:-2, 2:-2].std() < 16
    assert shrunk.mean().item() == pytest.approx(127.5, abs=4)


def test_a_crop_without_change_is_the_picture() -> None:
    picture = torch.randint(0, 256, (3, 3, 24, 24), dtype=torch.uint8)
    same = torch.eye(2, 3).expand(3, 2, 3).clone()
    assert torch.equal(crop(picture, same, 24), picture)
    assert torch.equal(same, torch.eye(2, 3).expand(3, 2, 3))


def test_outside_the_frame_the_picture_goes_on() -> None:
    grey = torch.full((1, 3, 20, 20), 90, dtype=torch.uint8)
    shifted = torch.tensor([[[1.0, 0.0, 10.0], [0.0, 1.0, 10.0]]])
    assert (crop(grey, shifted, 40) == 90).all()


def test_the_largest_of_several_faces_is_cropped_and_said() -> None:
    points = placed(face_points())
    faces = [Face.around(points), Face.around(placed(face_points(), size=30.0))]
    aligned = align_image(draw(points), KnownFaces([faces]), SIDE)
    assert aligned.note == "2 faces found; the largest is used."
    torch.testing.assert_close(aligned.transform, clip_transforms(points[None], SIDE)[0])
    assert aligned.crop.shape == (3, SIDE, SIDE)


def test_one_face_needs_no_note() -> None:
    points = placed(face_points())
    assert align_image(draw(points), KnownFaces([[Face.around(points)]]), SIDE).note is None


def test_a_picture_without_a_face_is_refused() -> None:
    with pytest.raises(NoFaceError, match="No face found in the picture of 200 x 160 pixels"):
        align_image(draw(placed(face_points())), KnownFaces([[]]), SIDE)


def test_a_clip_is_cropped_frame_by_frame() -> None:
    track = [placed(face_points(), corner=(50.0 + t, 40.0)) for t in range(20)]
    faces = [[Face.around(points)] for points in track]
    faces[7] = []
    frames = torch.stack([draw(points) for points in track])
    clip = align_clip(frames, KnownFaces(faces), SIDE)
    assert clip.bridged == 1
    assert clip.frames.shape == (20, 3, SIDE, SIDE)
    torch.testing.assert_close(
        clip.landmarks, clip.landmarks[:1].expand_as(clip.landmarks), atol=0.01, rtol=0
    )
    assert (clip.frames.float() - clip.frames[:1].float()).abs().mean() < 1.0


def test_the_steady_points_are_nose_and_corners_of_the_eyes() -> None:
    assert set(STEADY) == {*range(27, 36), 36, 39, 42, 45}
