import math

import pytest
import torch
from torch.nn import functional as F

from talkface.metrics.likeness import IdentitySimilarity, identity_similarity


def test_similarity_is_the_cosine_of_the_angle() -> None:
    angles = torch.tensor([0, 30, 60, 90, 180]) * math.pi / 180
    codes = torch.stack([angles.cos(), angles.sin()], 1)
    expected = pytest.approx([1, math.sqrt(3) / 2, 0.5, 0, -1], abs=1e-6)
    assert identity_similarity(codes, codes[:1]).tolist() == expected


def test_the_length_of_embeddings_does_not_matter() -> None:
    rng = torch.Generator().manual_seed(0)
    preds, target = torch.randn(2, 6, 128, generator=rng)
    lengths = torch.rand(6, 1, generator=rng) + 0.1
    torch.testing.assert_close(
        identity_similarity(lengths * preds, 7 * target), identity_similarity(preds, target)
    )


def test_every_face_is_compared_with_its_own_person() -> None:
    codes = F.one_hot(torch.arange(4), 8).float()
    assert identity_similarity(codes, codes).tolist() == [1] * 4
    assert identity_similarity(codes, codes.roll(1, 0)).tolist() == [0] * 4


def test_the_metric_averages_over_faces_and_not_over_batches() -> None:
    codes = F.one_hot(torch.tensor([0, 1, 1, 1]), 8).float()
    metric = IdentitySimilarity()
    metric.update(codes[:1], codes[:1])
    metric.update(codes[1:], codes[:1])
    assert metric.compute() == 0.25
    assert metric.higher_is_better
