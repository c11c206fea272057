"""Which source moves what, asked of a model that is known to follow one of them."""

import math

import pytest
import torch

from talkface.data.records import ClipRecord
from talkface.diagnose.finding import Finding
from talkface.diagnose.sources import TITLES, Pair, masks, measure, paired
from tests.diagnose.fakes import EYES, MOUTH, SIDE, Painter, PixelReader, window
from tests.figures.kept import texts


def pairs() -> list[Pair]:
    return [Pair(window("a", 1), window("b", 2, frames=28)).cut()]


def value(finding: Finding, row: str, metric: str) -> float:
    return finding.table.get(row, metric).value


@pytest.fixture(scope="module")
def honest() -> Finding:
    return measure(Painter(), pairs(), PixelReader())


@pytest.mark.parametrize("row", ["lips", "sound"])
def test_the_mouth_follows_whoever_gives_the_lips(honest: Finding, row: str) -> None:
    assert value(honest, row, "mouth r with B") == pytest.approx(1, abs=1e-3)
    assert abs(value(honest, row, "mouth r with A")) < 0.6
    assert value(honest, row, "eyes r with A") == pytest.approx(1, abs=1e-3)
    assert value(honest, row, "change of mouth") > 3 * value(honest, row, "change of elsewhere")
    assert value(honest, row, "change of eyes") == 0


def test_the_eyes_follow_whoever_gives_the_eyes(honest: Finding) -> None:
    assert value(honest, "eyes", "eyes r with B") == pytest.approx(1, abs=1e-3)
    assert value(honest, "eyes", "mouth r with A") == pytest.approx(1, abs=1e-3)
    assert value(honest, "eyes", "change of mouth") < value(honest, "eyes", "change of eyes") / 50


def test_what_is_not_used_changes_nothing(honest: Finding) -> None:
    for region in ("mouth", "eyes", "elsewhere"):
        assert value(honest, "contour", f"change of {region}") == 0
    assert math.isnan(value(honest, "seen", "change of mouth"))


def test_another_portrait_changes_every_pixel_but_no_movement(honest: Finding) -> None:
    assert value(honest, "portrait", "change of elsewhere") > 10
    assert value(honest, "portrait", "mouth r with A") == pytest.approx(1, abs=1e-3)


def test_a_mouth_that_follows_the_eyes_is_found_out() -> None:
    wrong = measure(Painter(deaf=True), pairs(), PixelReader())
    assert value(wrong, "lips", "change of mouth") == 0
    assert value(wrong, "eyes", "change of mouth") > 5
    assert math.isnan(value(wrong, "seen", "eyes r with A")), "frozen eyes follow nobody"
    assert value(wrong, "seen", "eyes gain") == 0


def test_a_clip_is_paired_with_another_speaker_where_there_is_one() -> None:
    def records(*speakers: str) -> list[ClipRecord]:
        return [ClipRecord(str(i), "test", 9, 9, s, (), "") for i, s in enumerate(speakers)]

    assert paired(records("x", "x", "y", "x"), 4) == [(0, 2), (1, 2), (2, 3), (3, 2)]
    assert paired(records("x", "x", "x", "x"), 2) == [(0, 2), (2, 0)]


def test_masks_lie_on_mouth_and_eyes() -> None:
    mouth, eyes = masks(window("a", 1).landmarks[0], SIDE)
    assert mouth[:, *MOUTH].mean() > 10 * mouth[:, *EYES].mean()
    assert eyes[:, *EYES].mean() > 10 * eyes[:, *MOUTH].mean()
    unknown = torch.full((2, 68, 2), torch.nan)
    assert not masks(unknown, SIDE)[0].any()


def test_the_sheet_shows_both_clips_and_every_row(honest: Finding) -> None:
    (figure,) = honest.figures.values()
    said = texts(figure)
    assert {"B, true frames", *TITLES.values()} <= set(said)
    assert "A a, B b" in said
