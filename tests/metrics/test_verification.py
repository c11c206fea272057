import logging
from itertools import combinations

import numpy as np
import pytest
import torch
from torch import Tensor

from talkface.metrics.verification import (
    FaceVerification,
    Verification,
    best_threshold,
    drawn_pairs,
    folded_accuracy,
)


def pictures(
    people: int = 12, each: int = 4, noise: float = 0.3, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Codes about one random direction per person, and the person."""
    rng = torch.Generator().manual_seed(seed)
    person = torch.arange(people).repeat_interleave(each)
    centre = torch.randn(people, 16, generator=rng)
    return centre[person] + noise * torch.randn(len(person), 16, generator=rng), person


def judged(codes: Tensor, person: Tensor, **options: int) -> Verification:
    metric = FaceVerification(**options)
    metric.update(codes, person)
    return metric.compute()


# -- the whole ----------------------------------------------------------------------------------


def test_people_that_are_far_apart_are_told_apart() -> None:
    accuracy, threshold, auc = judged(*pictures(noise=0.05))
    assert accuracy.item() == 1
    assert auc.item() == pytest.approx(1)
    assert 0.5 < threshold.item() < 0.99


def test_the_length_of_a_code_does_not_matter() -> None:
    codes, person = pictures()
    lengths = torch.logspace(-2, 2, len(codes))[:, None]
    torch.testing.assert_close(judged(codes, person), judged(codes * lengths, person))


def test_codes_that_know_nobody_are_right_by_chance() -> None:
    codes, person = pictures(people=100, noise=1e6)
    accuracy, _, auc = judged(codes, person)
    assert accuracy.item() == pytest.approx(0.5, abs=0.04)
    assert auc.item() == pytest.approx(0.5, abs=0.04)


def test_codes_that_are_all_one_are_right_by_chance() -> None:
    accuracy, _, auc = judged(torch.ones(40, 8), torch.arange(40) // 4)
    assert accuracy.item() == 0.5
    assert auc.item() == 0.5


def test_the_order_of_pictures_and_batches_does_not_matter() -> None:
    codes, person = pictures(noise=1.0)
    whole = judged(codes, person, pairs=40)
    order = torch.randperm(len(codes), generator=torch.Generator().manual_seed(3))
    metric = FaceVerification(pairs=40)
    for part in order.split(7):
        metric.update(codes[part], person[part])
    assert metric.compute() == whole
    assert judged(codes, person, pairs=40, seed=1) != whole


def test_processes_that_share_the_pictures_find_what_one_finds() -> None:
    codes, person = pictures(noise=1.0)
    first, second = FaceVerification(pairs=40), FaceVerification(pairs=40)
    first.update(codes[::2], person[::2])
    second.update(codes[1::2], person[1::2])
    theirs = {2: second.codes[0], 1: second.person[0]}

    def gather(state: Tensor, group: object) -> list[Tensor]:
        return [state, theirs[state.ndim]]

    first.dist_sync_fn, first.distributed_available_fn = gather, lambda: True
    assert first.compute() == judged(codes, person, pairs=40)


def test_a_new_epoch_starts_with_nothing() -> None:
    metric = FaceVerification()
    metric.update(*pictures(noise=1e6))
    metric.reset()
    codes, person = pictures(noise=0.05)
    metric.update(codes, person)
    assert metric.compute() == judged(codes, person)


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
@pytest.mark.parametrize(
    ("people", "each"), [(20, 1), (1, 20), (3, 2), (0, 0)], ids=["single", "one", "few", "none"]
)
def test_too_few_pairs_are_no_number_and_the_log_says_why(
    people: int, each: int, caplog: pytest.LogCaptureFixture
) -> None:
    metric = FaceVerification()
    if people:
        metric.update(*pictures(people, each))
    with caplog.at_level(logging.WARNING):
        values = metric.compute()
    assert torch.stack(values).isnan().all()
    assert f"{people * each} pictures of {people} people" in caplog.text


# -- pairs ----------------------------------------------------------------------------------------


def test_all_pairs_of_one_person_are_taken_and_as_many_of_different_people() -> None:
    person = torch.tensor([0, 0, 0, 2, 5, 5, 7, 7, 7, 7])
    same, different = drawn_pairs(person, 1000, 0)
    every = list(combinations(range(len(person)), 2))
    alike = {(i, j) for i, j in every if person[i] == person[j]}
    assert {tuple(pair) for pair in same.tolist()} == alike
    assert len(different) == len(same) == len(alike)
    found = {tuple(pair) for pair in different.tolist()}
    assert len(found) == len(different)
    assert found <= set(every) - alike


def test_few_pairs_of_different_people_are_all_taken() -> None:
    person = torch.tensor([0, 0, 0, 0, 0, 1])
    same, different = drawn_pairs(person, 1000, 0)
    assert sorted(different.tolist()) == [[i, 5] for i in range(5)]
    assert len(same) == 5


def test_every_pair_is_as_likely_as_any_other() -> None:
    person = torch.tensor([0, 0, 0, 0, 1, 1, 2])
    counts = [np.zeros((7, 7)), np.zeros((7, 7))]
    draws = 2000
    for seed in range(draws):
        for count, pairs in zip(counts, drawn_pairs(person, 1, seed), strict=True):
            ((i, j),) = pairs.tolist()
            count[i, j] += 1
    for count, possible in zip(counts, (7, 14), strict=True):
        shares = count[count > 0] / draws
        assert len(shares) == possible
        assert np.abs(shares - 1 / possible).max() < 0.025


# -- thresholds -----------------------------------------------------------------------------------


def test_the_best_threshold_is_that_of_trying_all() -> None:
    rng = torch.Generator().manual_seed(0)
    for _ in range(50):
        cosine = torch.randint(0, 12, (15,), generator=rng) / 12
        same = torch.rand(15, generator=rng) < 0.3 + 0.4 * cosine
        tried = torch.arange(-0.5, 13) / 12
        rights = torch.stack([((cosine >= t) == same).sum() for t in tried])
        found = ((cosine >= best_threshold(cosine, same)) == same).sum()
        assert found == rights.max()


def test_the_threshold_lies_halfway_between_the_two_kinds() -> None:
    cosine = torch.tensor([0.1, 0.8, 0.2, 0.6])
    same = torch.tensor([False, True, False, True])
    assert best_threshold(cosine, same).item() == pytest.approx(0.4)


def test_a_fold_is_judged_by_the_threshold_of_the_others() -> None:
    cosine = torch.tensor([0.9, 0.1, 0.3, 0.2, 0.8, 0.4])
    same = torch.tensor([True, False, True, False, True, False])
    fold = torch.tensor([0, 0, 1, 1, 2, 2])
    # Best without fold 0: 0.6 or 0.25, both judge 2 of 2; without 1: 0.6, 1 of 2; without 2: 0.25,
    # 1 of 2.
    assert folded_accuracy(cosine, same, fold).item() == pytest.approx((1 + 0.5 + 0.5) / 3)
