"""Who pulls at whom: parts add up to the whole, networks out of a term's reach feel nothing."""

from pathlib import Path
from typing import Any

import pytest
import torch

from talkface.diagnose.gradients import NETWORKS, TOTAL, align, gradients, measure, pull
from talkface.losses import Adversarial, InfoNCE, LandmarkError, Pixel, Terms, WordConfusion
from talkface.types import Window
from tests.system.test_talkface import all_terms, system, window  # noqa: F401


@pytest.fixture
def batch(request: pytest.FixtureRequest) -> Window:
    found: Window = request.getfixturevalue("window")
    return found


def test_the_parts_add_up_to_the_whole(batch: Window) -> None:
    model = system(Terms(pixel=Pixel(weight=3.0), info_nce=InfoNCE(weight=0.5)))
    parts: list[Any] = []

    def kept(loss: torch.Tensor) -> Any:
        parts.append(gradients(model, loss))
        return parts[-1]

    rendering, features, _ = model.imagine(batch)
    total, values = model.objective(rendering, batch)
    kept(total)
    kept(3.0 * values["pixel"])
    kept(0.5 * values["info_nce"])
    for network in NETWORKS:
        torch.testing.assert_close(parts[0][network], parts[1][network] + parts[2][network])
    assert features is None


def test_a_term_pulls_only_at_what_it_reaches(batch: Window) -> None:
    terms = Terms(pixel=Pixel(), landmarks=LandmarkError(), words=WordConfusion(every=1))
    pulls, values = pull(system(terms), batch)
    assert set(values) == {"pixel", "landmarks", "words"}
    felt = {term: {n for n, (norm, _) in row.items() if norm > 0} for term, row in pulls.items()}
    assert felt["landmarks"] == {"E_v"}
    assert felt["words"] == {"E_i"}
    assert felt["pixel"] >= {"G"}


def test_a_weight_of_ten_pulls_ten_times_as_hard(batch: Window) -> None:
    norms = []
    for weight in (1.0, 10.0):
        torch.manual_seed(3)
        pulls, _ = pull(system(Terms(pixel=Pixel(weight=weight))), batch)
        norms.append(pulls["pixel"]["G"][0])
        assert pulls["pixel"]["G"][1] == pytest.approx(1, abs=1e-5)
        assert pulls[TOTAL]["G"][0] == pytest.approx(norms[-1], rel=1e-5)
    assert norms[1] == pytest.approx(10 * norms[0], rel=1e-4)


def test_shares_add_up_to_one_and_what_does_not_play_is_told(batch: Window) -> None:
    terms = all_terms()
    terms.gan = Adversarial(start=10_000)
    finding = measure(system(terms), iter([batch, batch]))
    table = finding.table
    shares = [table.get(term, "E_v share").value for term in table.rows() if term != TOTAL]
    assert sum(shares) == pytest.approx(1)
    assert "gan" not in table.rows()
    assert "Not playing at this step: gan" in table.notes[0]


def test_the_step_in_which_words_are_due_comes_next() -> None:
    model = system(Terms(pixel=Pixel(), words=WordConfusion(every=16)))
    model.steps = 208 + 1
    assert align(model) == model.steps == 224


def test_reporting_goes_on_as_before(batch: Window, tmp_path: Path) -> None:
    model = system(Terms(pixel=Pixel()))
    pull(model, batch)
    assert "report" not in vars(model)
