import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from talkface.losses import AngularMargin
from talkface.losses.angular import cosines


def drawn(n: int = 6, people: int = 5, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Cosines of a few codes to a few people, and whom they show."""
    rng = torch.Generator().manual_seed(seed)
    person = torch.randint(people, (n,), generator=rng)
    return 1.6 * torch.rand(n, people, generator=rng, dtype=torch.float64) - 0.8, person


def defined(cosine: Tensor, person: Tensor, scale: float, margin: float) -> Tensor:
    """Equation 3 as it is printed, one picture after the other; angles stay below pi - m."""
    losses = []
    for row, y in zip(cosine.double(), person, strict=True):
        theta = row.arccos()
        target = torch.exp(scale * torch.cos(theta[y] + margin))
        others = sum(
            (torch.exp(scale * row[j]) for j in range(len(row)) if j != y), torch.zeros(())
        )
        losses.append(-torch.log(target / (target + others)))
    return torch.stack(losses).mean()


@pytest.mark.parametrize("scale", [1.0, 8.0, 64.0])
@pytest.mark.parametrize("margin", [0.0, 0.2, 0.5])
def test_loss_and_gradient_are_those_of_the_definition(scale: float, margin: float) -> None:
    given, person = drawn()
    ours, theirs = given.float().requires_grad_(), given.clone().requires_grad_()
    loss = F.cross_entropy(AngularMargin(scale, margin).logits(ours, person), person)
    expected = defined(theirs, person, scale, margin)
    loss.backward()
    expected.backward()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert ours.grad is not None
    assert theirs.grad is not None
    torch.testing.assert_close(ours.grad, theirs.grad.float(), rtol=1e-4, atol=1e-6)


def test_without_margin_and_scale_it_is_the_softmax_of_the_cosines() -> None:
    given, person = drawn()
    torch.testing.assert_close(AngularMargin(1.0, 0.0).logits(given, person), given.float())


def test_the_margin_touches_the_shown_person_only() -> None:
    given, person = drawn()
    logits = AngularMargin(2.0, 0.5).logits(given, person) / 2
    shown = F.one_hot(person, given.shape[1]).bool()
    torch.testing.assert_close(logits[~shown], given.float()[~shown])
    assert (logits[shown] < given[shown]).all()


def test_a_step_brings_a_code_closer_to_its_person_and_away_from_the_others() -> None:
    given, person = drawn()
    given.requires_grad_()
    F.cross_entropy(AngularMargin(4.0, 0.5).logits(given, person), person).backward()
    assert given.grad is not None
    shown = F.one_hot(person, given.shape[1]).bool()
    assert (given.grad[shown] < 0).all()
    assert (given.grad[~shown] > 0).all()


@pytest.mark.parametrize("margin", [0.1, 0.5, 1.5])
def test_the_logit_falls_without_a_jump_from_no_angle_to_the_opposite(margin: float) -> None:
    theta = torch.linspace(0, math.pi, 2001, dtype=torch.float64)
    logits = AngularMargin(1.0, margin).logits(theta.cos()[:, None], theta.long() * 0)[:, 0]
    steps = logits.diff()
    assert (steps <= 1e-6).all()
    assert steps.min() > -2 * math.pi / 2000
    assert logits[0].item() == pytest.approx(math.cos(margin), abs=1e-3)
    assert logits[-1].item() == pytest.approx(math.cos(margin) - 2, abs=1e-6)


@pytest.mark.parametrize("cosine", [-1.0, 0.0, 1.0])
def test_the_gradient_is_finite_at_every_angle(cosine: float) -> None:
    given = torch.full((1, 2), cosine).requires_grad_()
    AngularMargin().logits(given, torch.tensor([0])).sum().backward()
    assert given.grad is not None
    assert given.grad.isfinite().all()


def test_cosines_do_not_depend_on_lengths() -> None:
    codes = torch.tensor([[3.0, 0.0], [0.5, 0.5]])
    weights = torch.tensor([[0.1, 0.0], [0.0, 9.0], [-2.0, 2.0]])
    half = math.sqrt(0.5)
    expected = torch.tensor([[1.0, 0.0, -half], [half, half, 0.0]])
    torch.testing.assert_close(cosines(codes, weights), expected)


def test_half_precision_around_it_changes_nothing() -> None:
    rng = torch.Generator().manual_seed(0)
    codes, weights = (torch.randn(4, 32, generator=rng) for _ in range(2))
    person = torch.arange(4)
    plain = AngularMargin().logits(cosines(codes, weights), person)
    with torch.autocast("cpu", torch.bfloat16):
        inside = AngularMargin().logits(cosines(codes, weights), person)
    assert inside.dtype == torch.float32
    assert torch.equal(inside, plain)


@pytest.mark.parametrize(
    ("scale", "margin", "said"),
    [(0.0, 0.5, "scale` is 0.0"), (64.0, -0.1, "margin` is -0.1"), (64.0, 1.6, "margin` is 1.6")],
)
def test_settings_out_of_range_are_refused(scale: float, margin: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        AngularMargin(scale, margin)
