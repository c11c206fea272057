import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from talkface.losses import Contrastive, InfoNCE, ModalityAdversary
from talkface.losses.sync import contrast, standardize
from tests.losses.test_objective import rendering, window


def codes(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def loop(audio: Tensor, lips: Tensor, margin: float) -> float:
    """The formula, one pair after the other."""
    total = 0.0
    for i, a in enumerate(audio.tolist()):
        for j, v in enumerate(lips.tolist()):
            distance = math.dist(a, v)
            total += distance**2 if i == j else max(0.0, margin - distance) ** 2
    return total / (2 * len(audio))


@pytest.mark.parametrize("margin", [0.0, 1.0, 3.0])
def test_contrast_is_the_double_sum_of_its_formula(margin: float) -> None:
    audio, lips = codes(7, 3), codes(7, 3, seed=1)
    assert contrast(audio, lips, margin).item() == pytest.approx(loop(audio, lips, margin))


def test_contrast_of_two_pairs_on_paper() -> None:
    both = torch.tensor([[0.0], [3.0]])
    assert contrast(both, both, 5.0).item() == pytest.approx(2 * (5 - 3) ** 2 / 4)
    assert contrast(both, both + 0.5, 0.0).item() == pytest.approx(2 * 0.5**2 / 4)
    assert contrast(both, both, 2.0).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("margin", [1.0, 1.5])
@pytest.mark.parametrize("normalize", [True, False])
def test_the_term_is_the_formula_on_standardised_codes(*, margin: float, normalize: bool) -> None:
    given = rendering(audio=5 + 3 * codes(2, 3, 4), lips=codes(2, 3, 4, seed=1))
    audio, lips = (
        (x - x.mean(0)) / x.std(0, correction=0)
        for x in (given.audio.flatten(0, 1), given.lips.flatten(0, 1))
    )
    if normalize:
        audio, lips = (x / x.norm(dim=1, keepdim=True) for x in (audio, lips))
    else:
        audio, lips = audio / 2, lips / 2
    value = Contrastive(margin=margin, normalize=normalize)(given, window())
    assert value.item() == pytest.approx(loop(audio, lips, margin), rel=1e-4)


def test_a_raw_margin_means_the_same_at_every_width() -> None:
    audio, lips = codes(2, 3, 4), codes(2, 3, 4, seed=1)
    term = Contrastive(normalize=False)
    narrow = term(rendering(audio=audio, lips=lips), window())
    wide = term(rendering(audio=audio.repeat(1, 1, 5), lips=lips.repeat(1, 1, 5)), window())
    torch.testing.assert_close(narrow, wide)


@pytest.mark.parametrize(
    ("margin", "expected"),
    [
        (0.0, [[1 / 2], [1 / 2]]),  # towards the matched sound: (v - a) / N
        (2.5, [[1 / 2 + 0.5 / 2], [1 / 2]]),  # and (m - d) / N away from the other, if nearer
        (4.5, [[1 / 2 + 2.5 / 2], [1 / 2 - 0.5 / 2]]),
    ],
)
def test_gradients_pull_matched_codes_together_and_push_the_others_apart(
    margin: float, expected: list[list[float]]
) -> None:
    audio = torch.tensor([[0.0], [3.0]])
    lips = torch.tensor([[1.0], [4.0]]).requires_grad_()
    contrast(audio, lips, margin).backward()
    torch.testing.assert_close(lips.grad, torch.tensor(expected))


@pytest.mark.parametrize("normalize", [True, False])
def test_learning_brings_sound_and_lips_together(*, normalize: bool) -> None:
    audio, lips = codes(2, 8, 4), codes(2, 8, 4, seed=1).requires_grad_()
    term = Contrastive(margin=0.8, normalize=normalize)

    def apart() -> Tensor:
        a, v = (F.normalize(standardize(x.flatten(0, 1)), dim=1) for x in (audio, lips))
        distance: Tensor = (a - v).norm(dim=1).mean()
        return distance.detach()

    optimizer = torch.optim.SGD([lips], 5.0)
    start = apart()
    for _ in range(100):
        optimizer.zero_grad()
        term(rendering(audio=audio, lips=lips), window()).backward()
        optimizer.step()
    assert apart() < 0.2 * start


def test_contrast_of_equal_codes_has_a_finite_gradient() -> None:
    lips = torch.ones(3, 2).requires_grad_()
    contrast(torch.ones(3, 2), lips, 1.0).backward()
    assert lips.grad is not None
    assert lips.grad.isfinite().all()


def named(audio: Tensor, lips: Tensor, temperature: float, neighbours: int) -> float:
    """Cross-entropy both ways, one frame after the other; audio and lips b t d."""
    (b, t, _), total = audio.shape, 0.0
    frames = [(i, k) for i in range(b) for k in range(t)]
    a, v = (
        F.normalize(standardize(x.flatten(0, 1)), dim=1).unflatten(0, (b, t)) for x in (audio, lips)
    )
    for here in frames:
        others = [
            there
            for there in frames
            if here[0] != there[0] or not 0 < abs(here[1] - there[1]) <= neighbours
        ]
        for mine, theirs in ((a, v), (v, a)):
            scores = [math.exp(float(mine[here] @ theirs[x]) / temperature) for x in others]
            matched = math.exp(float(mine[here] @ theirs[here]) / temperature)
            total -= math.log(matched / sum(scores))
    return total / (2 * b * t)


@pytest.mark.parametrize("neighbours", [0, 1, 2, 9])
@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_info_nce_leaves_the_neighbours_of_a_window_out(
    neighbours: int, temperature: float
) -> None:
    given = rendering(audio=codes(2, 4, 5), lips=codes(2, 4, 5, seed=1))
    value = InfoNCE(temperature=temperature, neighbours=neighbours)(given, window())
    expected = named(given.audio, given.lips, temperature, neighbours)
    assert value.item() == pytest.approx(expected, rel=1e-4)


def test_info_nce_of_two_opposite_frames_on_paper() -> None:
    both = torch.tensor([[[1.0]], [[-1.0]]])
    given = rendering(audio=both, lips=both)
    for temperature in (0.5, 2.0):
        value = InfoNCE(temperature=temperature)(given, window())
        assert value.item() == pytest.approx(math.log1p(math.exp(-2 / temperature)), rel=1e-4)


def test_a_standardised_batch_has_no_mean_and_unit_variance() -> None:
    out = standardize(7 + codes(50, 3) * torch.tensor([0.5, 3.0, 40.0]))
    torch.testing.assert_close(out.mean(0), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(out.var(0, correction=0), torch.ones(3), atol=1e-3, rtol=0)
    pair = standardize(torch.tensor([[0.0], [2.0]]))
    torch.testing.assert_close(pair, torch.tensor([[-1.0], [1.0]]), atol=1e-4, rtol=0)


def test_a_dimension_that_says_nothing_becomes_zero() -> None:
    assert standardize(torch.full((4, 2), 3.0)).tolist() == [[0.0, 0.0]] * 4


def test_the_gradient_passes_through_mean_and_variance() -> None:
    x = (3 * codes(20, 2)).requires_grad_()
    (standardize(x) * codes(20, 2, seed=1)).sum().backward()
    assert x.grad is not None
    assert x.grad.abs().max() > 1e-2
    torch.testing.assert_close(x.grad.sum(0), torch.zeros(2), atol=1e-4, rtol=0)
    along = (x.grad * (x - x.mean(0))).sum(0)
    torch.testing.assert_close(along.detach(), torch.zeros(2), atol=1e-3, rtol=0)


def test_lips_are_rewarded_for_being_taken_for_sound() -> None:
    logits = torch.tensor([[0.0, 2.0, -1.0]]).requires_grad_()
    value = ModalityAdversary()(rendering(modality=logits), window())
    expected = sum(math.log1p(math.exp(-x)) for x in (0.0, 2.0, -1.0)) / 3
    assert value.item() == pytest.approx(expected)
    value.backward()
    assert logits.grad is not None
    assert (logits.grad < 0).all()


def test_without_logits_the_modality_term_says_what_it_needs() -> None:
    with pytest.raises(ValueError, match="the sync_gan term needs the logits of D_sync"):
        ModalityAdversary()(rendering(), window())


@pytest.mark.parametrize("term", [Contrastive, InfoNCE, ModalityAdversary])
def test_sync_can_be_learned_before_anything_is_rendered(
    term: type[Contrastive] | type[InfoNCE] | type[ModalityAdversary],
) -> None:
    assert not term.needs_frames
