"""The probe finds a word that is there, and none in noise; runs lie around their words."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from talkface.data.windows import ClipDataset
from talkface.diagnose.leakage import Examples, chosen, identity_features, measure, start
from talkface.diagnose.probe import accuracy, folded, probe
from talkface.types import FPS
from tests.system.test_talkface import system, window  # noqa: F401

CLIPS, WORDS, FRAMES, DIM = 40, 4, 5, 30


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def labels() -> Tensor:
    return torch.arange(CLIPS * 3) % WORDS


def utterances() -> list[str]:
    return [f"clip{i // 3}" for i in range(CLIPS * 3)]


def noise() -> Tensor:
    """Features of which most are the clip's own, large and the same for all its words."""
    person = torch.randn(CLIPS, 1, DIM, generator=rng()).repeat_interleave(3, 0) * 10
    return person + torch.randn(CLIPS * 3, FRAMES, DIM, generator=rng())


def with_word() -> Tensor:
    """The same, and a movement that depends on the word, in directions that nobody is told."""
    shapes = torch.randn(WORDS, FRAMES, DIM, generator=torch.Generator().manual_seed(7))
    return noise() + shapes[labels()]


def test_a_word_in_the_features_is_found_and_noise_stays_at_chance() -> None:
    examples = Examples({"identity": noise(), "lips": with_word()}, labels(), utterances())
    table = measure(examples, seed=0).table
    lips, identity, chance = (
        table.get(row, "words named rightly") for row in ("lips", "identity", "chance")
    )
    assert lips.value - lips.margin > 0.9
    assert abs(identity.value - 1 / WORDS) < 0.15
    assert identity.value - identity.margin < chance.value + 0.1
    assert abs(table.details["leaked_share"]) < 0.25


def test_an_utterance_is_never_on_both_sides() -> None:
    folds = folded(utterances(), 5, seed=0)
    assert set(folds.tolist()) == set(range(5))
    assert (folds.view(CLIPS, 3) == folds.view(CLIPS, 3)[:, :1]).all()


def test_what_only_tells_the_clip_tells_no_word_of_another() -> None:
    one_hot = torch.eye(CLIPS).repeat_interleave(3, 0)[:, None].repeat(1, FRAMES, 1)
    result = probe(one_hot, torch.arange(CLIPS * 3) // 3 % WORDS, utterances())
    assert result.hits.float().mean() <= result.guessed.float().mean() + 0.1


def test_the_interval_counts_clips_not_words() -> None:
    hits = torch.tensor([True, True, True, False, False, False] * 10)
    alike = accuracy(hits, [f"{i // 3}" for i in range(60)])
    apart = accuracy(hits, [f"{i}" for i in range(60)])
    assert alike.value == apart.value == 1 / 2
    assert alike.margin > 1.4 * apart.margin


def test_a_run_has_its_word_in_the_middle(prepared: Path) -> None:
    clips = [ClipDataset(prepared, "test"), ClipDataset(prepared, "val")]
    words, found = chosen(clips, frames=10, most_words=3, most_clips=9, seed=0)
    assert sorted({one.word.word for one in found}) == words
    usable = found[0].clips.usable(found[0].record)
    first = start(found[0], 10) + usable.start
    middle = (found[0].word.start + found[0].word.end) / 2 * FPS
    assert abs(first + 5 - middle) <= 1
    assert start(found[0], 30) + 30 <= len(usable)


def test_features_are_those_that_the_adversary_sees(request: pytest.FixtureRequest) -> None:
    model, batch = system().eval(), request.getfixturevalue("window")
    with torch.no_grad():
        theirs = model.identity_features(batch)
        torch.testing.assert_close(identity_features(model, batch.frames[:1, :4]), theirs[:1])
