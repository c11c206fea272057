"""A model that repeats training frames is flagged; one that shows the truth is not."""

from typing import Any

import pytest
import torch
from torch import Tensor

from talkface.diagnose.memory import SIDES, USUAL, collect, look, measure, mouth_box
from talkface.diagnose.swap_sheet import as_bytes
from talkface.figures.pictures import tile
from talkface.metrics.image import unit
from talkface.types import Window
from tests import fakes
from tests.figures.kept import texts, tiles

SIDE, FRAMES = 32, 12


def clip(name: str, seed: int) -> Window:
    """A painted face that talks; light and skin are the clip's own."""
    opening = torch.rand(FRAMES, generator=torch.Generator().manual_seed(seed))
    points = fakes.landmarks(opening, SIDE, seed)
    skin = (200 - 12 * seed, 150 + 5 * seed, 120)
    frames = fakes.paint(points, SIDE, skin)[None].float() / 127.5 - 1
    frames = frames + 0.05 * torch.randn(
        frames.shape, generator=torch.Generator().manual_seed(seed)
    )
    spoken = torch.ones(1, FRAMES, dtype=torch.bool)
    label = torch.tensor([0])
    return Window(
        *(frames[:, 0], frames, frames, torch.zeros(1, FRAMES, 2, 3), points[None], points[None]),
        *(label, spoken, [name]),
    )


TRAIN = [clip(f"train{i}", i) for i in range(3)]
TEST = [clip(f"test{i}", i + 5) for i in range(2)]


class Shows:
    """Drives that show the frames they are told to."""

    def __init__(self, frames: Any) -> None:
        self.frames = frames

    def drive(self, window: Window, drive: str) -> Tensor:
        shown: Tensor = self.frames(window)
        return shown


def test_training_frames_instead_of_renderings_are_flagged() -> None:
    finding = measure(Shows(lambda _: TRAIN[1].frames), TEST, collect(TRAIN))
    for drive in ("audio", "video"):
        for region in SIDES:
            assert finding.table.get(drive, f"{region} ratio").value < 0.01
            assert finding.table.get(drive, f"{region} nearer to training").value == 1
    said = "\n".join(texts(next(iter(finding.figures.values()))))
    assert "like train1, frame" in said


def test_the_truth_has_ratio_one_and_is_nearer_to_itself() -> None:
    table = measure(Shows(lambda window: window.frames), TEST, collect(TRAIN)).table
    for region in SIDES:
        assert table.get("video", f"{region} ratio").value == pytest.approx(1)
        assert table.get("video", f"{region} nearer to training").value == 0
    assert table.get("copy", "face ratio").value == pytest.approx(1, abs=0.2)


def test_the_picture_shows_rendering_training_frame_and_truth() -> None:
    finding = measure(Shows(lambda _: TRAIN[1].frames), TEST[:1], collect(TRAIN))
    rendering, training, truth = tiles(finding.figures["memory"])[:3]
    assert (rendering.float() - training.float()).abs().mean() < 1
    true = [tile(as_bytes(frame)) for frame in unit(TEST[0].frames[0])]
    assert any((truth.float() - one.float()).abs().mean() < 1 for one in true)


def test_light_alone_makes_no_difference() -> None:
    frames = unit(TEST[0].frames[0]) * 0.5
    box = mouth_box((TEST[0].landmarks[0] + 0.5) / SIDE)
    for region in SIDES:
        torch.testing.assert_close(look(frames, region, box), look(frames + 0.2, region, box))


def test_the_mouth_lies_where_training_frames_have_it() -> None:
    left, top, right, bottom = mouth_box((TRAIN[0].landmarks[0] + 0.5) / SIDE)
    assert left < 0.4
    assert right > 0.6
    assert top < 0.695 < bottom
    assert mouth_box(torch.full((3, 68, 2), torch.nan)) == USUAL
