import math
from pathlib import Path

import pytest
import torch

from data_prep.quality.judges import EnergyJudge
from data_prep.quality.measure import face_size, looks, measure, sound_figures
from talkface.data.layout import ClipReader, read_manifest


def test_a_face_is_as_large_as_in_the_source_whatever_the_side_of_the_crop() -> None:
    points = torch.zeros(3, 68, 2)
    points[:, 45] = torch.tensor([30.0, 40.0])
    points[1, 36] = torch.nan
    turned = torch.tensor([[0.0, -0.5, 7.0], [0.5, 0.0, 9.0]]).expand(3, 2, 3)
    assert face_size(points, turned) == pytest.approx(100)


def test_sound_figures_are_those_on_paper() -> None:
    sound = torch.zeros(16_000, dtype=torch.int16)
    sound[:4000:2], sound[1:4000:2] = 32767, -32768
    found = sound_figures(sound)
    assert found["loudness"] == pytest.approx(10 * math.log10(0.25), abs=0.001)
    assert found["clipping"] == 0.25
    assert found["silence"] == pytest.approx(18 / 25)  # the seventh frame is loud for a quarter


def test_no_sound_is_silence() -> None:
    found = sound_figures(torch.zeros(0, dtype=torch.int16))
    assert found == {"loudness": -60.0, "silence": 1.0, "clipping": 0.0}


def test_looks_are_in_the_middle_of_equal_parts() -> None:
    assert looks(40) == [5, 15, 25, 35]
    assert looks(1) == [0, 0, 0, 0]


def test_a_clip_whose_mouth_opens_with_its_sound_is_in_step(prepared: Path) -> None:
    record = read_manifest(prepared, "train")[0]
    row = measure(ClipReader(prepared, record), EnergyJudge())
    assert row.offset == 0
    assert row.confidence > 0.8
    assert row.unknown == 0
    assert 0 < row.sharpness <= 1
    assert row.seconds == 1.6
    assert row.words.split() == [span.word for span in record.words]
