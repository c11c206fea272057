from typing import Any

import pytest
import torch
from torch import Tensor

from talkface.losses import LandmarkError, Objective, Pixel, Terms
from talkface.types import Rendering, Window

SIDE = 8


def window(**given: Any) -> Window:
    """Two windows of three frames in which nothing is zero, some fields as given."""
    rng = torch.Generator().manual_seed(0)
    frames = torch.rand(2, 3, 3, SIDE, SIDE, generator=rng) * 2 - 1
    points = torch.rand(2, 3, 68, 2, generator=rng) * SIDE
    plain = Window(
        identity=frames[:, 0],
        frames=frames,
        driving=frames,
        mfcc=torch.randn(2, 3, 12, 4, generator=rng),
        landmarks=points,
        driving_landmarks=points,
        label=torch.tensor([0, 1]),
        spoken=torch.ones(2, 3, dtype=torch.bool),
        clip=["a", "b"],
    )
    return plain._replace(**given)


def rendering(**given: Any) -> Rendering:
    """What an untrained system makes of ``window()``, some fields as given."""
    rng = torch.Generator().manual_seed(1)
    truth = window()
    plain = Rendering(
        frames=torch.rand(2, 3, 3, SIDE, SIDE, generator=rng) * 2 - 1,
        target=truth.frames,
        landmarks=truth.landmarks,
        audio=torch.randn(2, 3, 4, generator=rng),
        lips=torch.randn(2, 3, 4, generator=rng),
        points=torch.rand(2, 3, 68, 2, generator=rng) * SIDE,
    )
    return plain._replace(**given)


def leaves() -> tuple[Rendering, Tensor, Tensor]:
    """A rendering, and its frames and points, which take gradients."""
    plain = rendering()
    assert plain.frames is not None
    frames, points = plain.frames.requires_grad_(), plain.points.requires_grad_()
    return plain._replace(frames=frames, points=points), frames, points


def test_the_objective_is_the_weighted_sum_of_its_terms() -> None:
    objective = Objective(Terms(pixel=Pixel(2.0), landmarks=LandmarkError(0.3)))
    total, values = objective(rendering(), window())
    assert set(values) == {"pixel", "landmarks"}
    torch.testing.assert_close(values["pixel"], Pixel()(rendering(), window()))
    torch.testing.assert_close(values["landmarks"], LandmarkError()(rendering(), window()))
    torch.testing.assert_close(total, 2 * values["pixel"] + 0.3 * values["landmarks"])


def test_a_term_of_weight_zero_is_measured_but_not_optimised() -> None:
    given, frames, points = leaves()
    objective = Objective(Terms(pixel=Pixel(0.0), landmarks=LandmarkError(0.5)))
    total, values = objective(given, window())
    assert values["pixel"] > 0
    assert not values["pixel"].requires_grad
    torch.testing.assert_close(total, 0.5 * values["landmarks"])
    total.backward()
    assert frames.grad is None
    assert points.grad is not None


@pytest.mark.parametrize("weight", [1.0, 3.0])
def test_a_weight_scales_the_gradient(weight: float) -> None:
    given, frames, _ = leaves()
    assert given.target is not None
    total, _ = Objective(Terms(pixel=Pixel(weight)))(given, window())
    total.backward()
    sign = (frames.detach() - given.target).sign()
    torch.testing.assert_close(frames.grad, weight * sign / frames.numel())


def test_an_objective_without_terms_is_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match="every loss term is null") as caught:
        Objective(Terms())
    message = str(caught.value)
    slots = ("vgg", "pixel", "gan", "contrastive", "contrastive_raw", "info_nce")
    for slot in (*slots, "sync_gan", "words", "landmarks"):
        assert slot in message


@pytest.mark.parametrize(
    ("skip", "left"), [({"pixel"}, {"landmarks"}), ({"landmarks"}, {"pixel"}), ({"gan"}, None)]
)
def test_skipped_terms_are_neither_measured_nor_optimised(
    skip: set[str], left: set[str] | None
) -> None:
    objective = Objective(Terms(pixel=Pixel(2.0), landmarks=LandmarkError(2.0)))
    total, values = objective(rendering(), window(), frozenset(skip))
    assert set(values) == (left or {"pixel", "landmarks"})
    torch.testing.assert_close(total, 2 * torch.stack(list(values.values())).sum())


def test_terms_that_need_frames_wait_until_there_are_some() -> None:
    objective = Objective(Terms(pixel=Pixel(), landmarks=LandmarkError()))
    warming = rendering(frames=None, target=None, landmarks=None)
    total, values = objective(warming, window())
    assert set(values) == {"landmarks"}
    torch.testing.assert_close(total, values["landmarks"])


@torch.no_grad()
def test_nothing_is_optimised_where_gradients_are_off() -> None:
    given, _, _ = leaves()
    total, _ = Objective(Terms(pixel=Pixel()))(given, window())
    assert not total.requires_grad


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must not be negative, got -0\.5"):
        Pixel(-0.5)
