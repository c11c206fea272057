from pathlib import Path

import pytest
import torch
from PIL import Image

from talkface.figures import GAP, save_png, stack, strip


def test_columns_are_evenly_spaced_frames_and_levels_are_kept() -> None:
    levels = torch.arange(9) * 20
    frames = (levels / 255)[:, None, None, None].expand(9, 3, 128, 128)
    image = strip({"truth": frames}, columns=3)
    tiles = image[:128, -3 * (128 + GAP) :].unflatten(1, (3, 128 + GAP))[:, :, :128]
    assert [tile.unique().tolist() for tile in tiles.unbind(1)] == [[0], [80], [160]]


def test_small_frames_are_enlarged_and_every_row_is_labelled() -> None:
    rows = {"identity": torch.zeros(1, 3, 50, 50), "truth": torch.zeros(4, 3, 50, 50)}
    image = strip(rows, columns=4)
    tile = 150 + GAP
    assert image.shape[0] == 2 * tile
    label = image[:, : -4 * tile]
    assert label.shape[1] > 40
    for row in label.split(tile):
        assert (row == 255).float().mean() > 0.7
        assert (row < 100).any()


def test_a_single_frame_is_shown_once() -> None:
    rows = {"identity": torch.zeros(1, 3, 128, 128), "truth": torch.zeros(4, 3, 128, 128)}
    first = strip(rows, columns=2)[: 128 + GAP]
    assert (first[:128, -(128 + GAP) :] == 255).all()
    assert (first[:128, -2 * (128 + GAP) : -(128 + 2 * GAP)] == 0).all()


@pytest.mark.parametrize(
    "rows",
    [
        {},
        {"a": torch.zeros(0, 3, 8, 8)},
        {"a": torch.zeros(1, 3, 8, 8), "b": torch.zeros(1, 3, 9, 9)},
    ],
    ids=["nothing", "no frame", "two sizes"],
)
def test_rows_that_cannot_be_drawn_are_refused(rows: dict[str, torch.Tensor]) -> None:
    with pytest.raises(ValueError, match="all of one size, but got 8 columns"):
        strip(rows)


def test_stacked_pictures_are_as_wide_as_the_widest() -> None:
    narrow = torch.zeros(5, 10, 3, dtype=torch.uint8)
    wide = torch.zeros(7, 20, 3, dtype=torch.uint8)
    image = stack([narrow, wide])
    assert image.shape == (5 + 3 * GAP + 7, 20, 3)
    assert (image[:5, 10:] == 255).all()


def test_a_saved_picture_is_the_picture(tmp_path: Path) -> None:
    image = torch.randint(0, 256, (6, 9, 3), dtype=torch.uint8)
    save_png(image, tmp_path / "deep" / "a.png")
    with Image.open(tmp_path / "deep" / "a.png") as read:
        assert read.tobytes() == image.numpy().tobytes()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.png"]
