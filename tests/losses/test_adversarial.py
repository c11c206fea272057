import math

import pytest
import torch
from torch import Tensor

from talkface.losses import Adversarial, discriminator_loss
from talkface.losses.adversarial import Game
from tests.losses.test_objective import rendering, window

GAMES: tuple[Game, ...] = ("non_saturating", "hinge")


def soft(x: float) -> float:
    return math.log1p(math.exp(x))


def scales(*values: float, side: int = 1) -> list[Tensor]:
    """One map of equal logits per scale; the first is the largest."""
    sides = [side * 2**i for i in range(len(values))][::-1]
    return [torch.full((2, 1, s, s), v) for v, s in zip(values, sides, strict=True)]


@pytest.mark.parametrize(
    ("game", "logits", "expected"),
    [
        ("non_saturating", (0.0,), math.log(2)),
        ("non_saturating", (2.0,), soft(-2.0)),
        ("non_saturating", (2.0, -1.0), (soft(-2.0) + soft(1.0)) / 2),
        ("hinge", (0.5,), -0.5),
        ("hinge", (2.0, -1.0), -0.5),
    ],
)
def test_generator_loss_is_the_mean_of_the_scales(
    game: Game, logits: tuple[float, ...], expected: float
) -> None:
    value = Adversarial(game=game)(rendering(realness=scales(*logits)), window())
    assert value.item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("game", "real", "fake", "expected"),
    [
        ("non_saturating", (0.0,), (0.0,), 2 * math.log(2)),
        ("non_saturating", (3.0,), (-1.0,), soft(-3.0) + soft(-1.0)),
        ("non_saturating", (3.0, 0.0), (-1.0, 2.0), (soft(-3) + soft(-1) + soft(0) + soft(2)) / 2),
        ("hinge", (0.0,), (0.0,), 2.0),
        ("hinge", (0.25,), (-0.5,), 0.75 + 0.5),
        ("hinge", (3.0, 0.5), (-2.0, 2.0), (0 + 0 + 0.5 + 3.0) / 2),
    ],
)
def test_discriminator_loss_adds_both_sides_and_is_the_mean_of_the_scales(
    game: Game, real: tuple[float, ...], fake: tuple[float, ...], expected: float
) -> None:
    value = discriminator_loss(scales(*real), scales(*fake), game)
    assert value.item() == pytest.approx(expected)


@pytest.mark.parametrize("game", GAMES)
def test_patches_of_one_scale_weigh_the_same(game: Game) -> None:
    logits = torch.tensor([[0.5, -0.5], [0.25, 0.75]])[None, None]
    term = Adversarial(game=game)
    single = [term(rendering(realness=[x.view(1, 1, 1, 1)]), window()) for x in logits.flatten()]
    together = term(rendering(realness=[logits]), window())
    torch.testing.assert_close(together, torch.stack(single).mean())


@pytest.mark.parametrize("game", GAMES)
def test_the_two_sides_pull_the_logits_opposite_ways(game: Game) -> None:
    real, fake, rendered = ([x.requires_grad_() for x in scales(0.3, -0.2)] for _ in range(3))
    discriminator_loss(real, fake, game).backward()
    Adversarial(game=game)(rendering(realness=rendered), window()).backward()
    for r, f, g in zip(real, fake, rendered, strict=True):
        assert r.grad is not None
        assert f.grad is not None
        assert g.grad is not None
        assert (r.grad < 0).all()
        assert (f.grad > 0).all()
        assert (g.grad < 0).all()


@pytest.mark.parametrize(("game", "still_learns"), [("hinge", False), ("non_saturating", True)])
def test_only_the_hinge_leaves_safe_decisions_alone(*, game: Game, still_learns: bool) -> None:
    real, fake = scales(1.5)[0].requires_grad_(), scales(-1.5)[0].requires_grad_()
    discriminator_loss([real], [fake], game).backward()
    for x in (real, fake):
        assert x.grad is not None
        assert x.grad.any() == still_learns


@pytest.mark.parametrize("game", GAMES)
def test_the_generator_learns_most_where_it_is_found_out(game: Game) -> None:
    logits = torch.tensor([-4.0, 4.0]).view(2, 1, 1, 1).requires_grad_()
    Adversarial(game=game)(rendering(realness=[logits]), window()).backward()
    assert logits.grad is not None
    found_out, believed = logits.grad.abs().flatten().tolist()
    assert found_out > 0.4
    assert believed == pytest.approx(0.5 if game == "hinge" else 0.5 / (1 + math.exp(4)))


def test_without_logits_the_term_says_what_it_needs() -> None:
    with pytest.raises(ValueError, match="the gan term needs the logits of D_seq"):
        Adversarial()(rendering(), window())


def test_sides_of_different_numbers_of_scales_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        discriminator_loss(scales(0.0, 0.0), scales(0.0), "hinge")
