import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from talkface.losses import Adversarial, ModalityAdversary, Pixel, Terms, WordConfusion
from talkface.losses.adversarial import Game
from talkface.system.adversaries import Adversaries
from tests.losses.test_objective import rendering, window


class Bias(nn.Module):
    """A critic that says the mean of what it sees, plus what it has learned."""

    def __init__(self, classes: int | None = None, frames: int = 2) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.zeros(classes or 1))
        self.frames = frames

    def forward(self, x: Tensor) -> Any:
        if x.ndim == 5:  # frames: one scale of one patch
            return [x.mean((1, 2, 3, 4))[:, None, None, None] + self.offset]
        if len(self.offset) > 1:  # runs of features
            return x.mean((1, 2))[:, None] + self.offset
        return x.mean(-1) + self.offset


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


@pytest.mark.parametrize("game", ["non_saturating", "hinge"])
def test_true_frames_are_real_and_rendered_ones_fake(game: Game) -> None:
    players = Adversaries(Terms(gan=Adversarial(game=game)), gan=Bias())
    frames = torch.full((4, 2, 3, 4, 4), -0.5, requires_grad=True)
    target = torch.full((4, 2, 3, 4, 4), 0.25)
    target[2:] = 1e6  # the same truth again, for the second drive
    given = rendering(frames=frames, target=target)
    loss = players.losses(given, None, window()._replace(frames=torch.zeros(2, 2, 3, 4, 4)))["gan"]
    sides = (softplus(-0.25), softplus(-0.5)) if game == "non_saturating" else (0.75, 0.5)
    assert loss.item() == pytest.approx(sum(sides))
    loss.backward()
    assert frames.grad is None


def test_sound_is_real_and_lips_are_fake_to_d_sync() -> None:
    players = Adversaries(Terms(sync_gan=ModalityAdversary()), sync_gan=Bias())
    audio = torch.full((2, 3, 4), 2.0, requires_grad=True)
    lips = torch.full((2, 3, 4), -1.0, requires_grad=True)
    loss = players.losses(rendering(audio=audio, lips=lips), None, window())["sync_gan"]
    assert loss.item() == pytest.approx(softplus(-2.0) + softplus(-1.0))
    loss.backward()
    assert audio.grad is None
    assert lips.grad is None


def test_lips_alone_are_shown_to_d_sync_by_who_wants_to_win() -> None:
    terms = Terms(sync_gan=ModalityAdversary())
    players = Adversaries(terms, sync_gan=Bias())
    audio = torch.full((2, 3, 4), 2.0, requires_grad=True)
    lips = torch.full((2, 3, 4), -1.0, requires_grad=True)
    answered = players.answer(rendering(audio=audio, lips=lips), None, gan=False)
    assert terms.sync_gan is not None
    terms.sync_gan(answered, window()).backward()
    assert audio.grad is None
    assert lips.grad is not None
    assert (lips.grad < 0).all()  # descending makes the logits of lips larger: more like sound


def test_the_word_adversary_learns_to_name_words_from_detached_features() -> None:
    players = Adversaries(Terms(words=WordConfusion()), words=Bias(classes=3))
    features = torch.zeros(2, 2, 4, requires_grad=True)
    labelled = window()._replace(label=torch.tensor([2, 2]))
    loss = players.losses(rendering(), features, labelled)["words"]
    assert loss.item() == pytest.approx(math.log(3))
    loss.backward()
    assert features.grad is None
    offset = players["words"].offset
    assert isinstance(offset, nn.Parameter)
    assert offset.grad is not None
    torch.testing.assert_close(offset.grad, torch.tensor([1 / 3, 1 / 3, -2 / 3]))


def test_a_game_that_is_not_due_is_not_played() -> None:
    terms = Terms(gan=Adversarial(), sync_gan=ModalityAdversary(), words=WordConfusion())
    players = Adversaries(terms, gan=Bias(), sync_gan=Bias(), words=Bias(classes=3))
    warming = rendering()._replace(frames=None, target=None)
    assert set(players.losses(warming, None, window())) == {"sync_gan"}
    answered = players.answer(warming, None, gan=False)
    assert answered.realness is None
    assert answered.words is None
    assert answered.modality is not None


def test_a_network_without_its_term_is_left_out() -> None:
    players = Adversaries(Terms(pixel=Pixel()), gan=Bias(), sync_gan=Bias(), words=None)
    assert len(players) == 0
    assert players.word_classifier is None
    assert players.losses(rendering(), None, window()) == {}
