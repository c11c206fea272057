import math

import pytest
import torch
from torch import Tensor

from talkface.losses import WordConfusion
from talkface.losses.words import word_loss
from tests.losses.test_objective import rendering, window


def confusion(logits: Tensor, label: tuple[int, ...] = (0, 1)) -> Tensor:
    value: Tensor = WordConfusion()(rendering(words=logits), window(label=torch.tensor(label)))
    return value


@pytest.mark.parametrize("classes", [2, 39, 500])
def test_a_classifier_without_preference_is_no_loss_whatever_the_number_of_words(
    classes: int,
) -> None:
    assert confusion(torch.full((2, classes), 3.0)).item() == pytest.approx(0, abs=1e-5)


def test_confusion_is_the_divergence_of_chance_from_the_named_words() -> None:
    p = torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])
    expected = sum(math.log(1 / 3 / q) / 3 for row in p.tolist() for q in row) / 2
    assert expected > 0
    assert confusion(p.log() + 5).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("favourite", [0, 2])
def test_confusion_lowers_the_favourite_be_it_right_or_wrong(favourite: int) -> None:
    logits = torch.zeros(2, 3)
    logits[:, favourite] = 2
    logits.requires_grad_()
    confusion(logits, (0, 0)).backward()
    assert logits.grad is not None
    others = [i for i in range(3) if i != favourite]
    assert (logits.grad[:, favourite] > 0).all()
    assert (logits.grad[:, others] < 0).all()


def test_windows_without_a_word_do_not_count() -> None:
    sure = torch.tensor([[0.0, 1.0, 2.0], [50.0, 0.0, 0.0]]).requires_grad_()
    alone = confusion(sure[:1].expand(2, 3))
    value = confusion(sure, (2, -1))
    torch.testing.assert_close(value, alone)
    value.backward()
    assert sure.grad is not None
    assert not sure.grad[1].any()


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ((0, 1), (math.log(4) + math.log(2)) / 2),
        ((1, 0), (math.log(4 / 3) + math.log(2)) / 2),
        ((0, -1), math.log(4)),
        ((-1, 0), math.log(2)),
        ((-1, -1), 0.0),
    ],
)
def test_the_classifier_learns_from_labelled_windows_only(
    label: tuple[int, ...], expected: float
) -> None:
    logits = torch.tensor([[0.25, 0.75], [0.5, 0.5]]).log().requires_grad_()
    value = word_loss(logits, torch.tensor(label))
    assert value.item() == pytest.approx(expected)
    value.backward()
    assert logits.grad is not None
    assert logits.grad.any(1).tolist() == [x >= 0 for x in label]


def test_the_classifier_is_pulled_to_the_right_word() -> None:
    logits = torch.zeros(1, 3).requires_grad_()
    word_loss(logits, torch.tensor([1])).backward()
    torch.testing.assert_close(logits.grad, torch.tensor([[1 / 3, -2 / 3, 1 / 3]]))


def test_without_logits_the_term_says_what_it_needs() -> None:
    with pytest.raises(ValueError, match="the words term needs the logits of the word classifier"):
        WordConfusion()(rendering(), window())


@pytest.mark.parametrize("every", [0, -1])
def test_an_impossible_pace_is_refused(every: int) -> None:
    with pytest.raises(ValueError, match=rf"terms\.words\.every must be at least 1, got {every}"):
        WordConfusion(every=every)
