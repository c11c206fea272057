import math

import pytest
import torch
from torch import Tensor, nn

from talkface.losses import R1, PathLength

IMAGES = torch.randn(5, 3, 2, 2, generator=torch.Generator().manual_seed(0))


def linear() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(3 * 4, 1, bias=False)


@pytest.mark.parametrize(
    ("gamma", "every", "factor"), [(2.0, 1, 1.0), (1.0, 1, 0.5), (2.0, 16, 16.0), (10.0, 4, 20.0)]
)
def test_r1_of_a_linear_critic_is_its_squared_norm(gamma: float, every: int, factor: float) -> None:
    critic, images = linear(), IMAGES.clone().requires_grad_()
    penalty = R1(gamma, every)(images, [critic(images.flatten(1))[:, :, None, None]])
    torch.testing.assert_close(penalty, factor * critic.weight.square().sum())


def test_the_penalty_teaches_the_critic() -> None:
    critic, images = linear(), IMAGES.clone().requires_grad_()
    R1(gamma=2.0, every=1)(images, [critic(images.flatten(1))[:, :, None, None]]).backward()
    torch.testing.assert_close(critic.weight.grad, 2 * critic.weight.detach())


def test_images_of_a_batch_are_averaged() -> None:
    images = torch.tensor([1.0, 3.0]).view(2, 1, 1, 1).expand(2, 3, 1, 1).clone().requires_grad_()
    logits = images.square().sum((1, 2, 3), keepdim=True)
    squared = [3 * (2 * value) ** 2 for value in (1.0, 3.0)]
    assert R1(gamma=2.0, every=1)(images, [logits]).item() == pytest.approx(sum(squared) / 2)


def test_patches_of_a_scale_are_averaged() -> None:
    critic, images = linear(), IMAGES.clone().requires_grad_()
    logit = critic(images.flatten(1))[:, :, None, None]
    r1 = R1(gamma=2.0, every=1)
    patches = r1(images, [logit.expand(5, 1, 4, 4)])
    torch.testing.assert_close(patches, critic.weight.square().sum())


def test_frames_of_a_run_add_up() -> None:
    critic = nn.Linear(4 * 3 * 4, 1, bias=False)
    images = torch.randn(5, 4, 3, 2, 2, requires_grad=True)
    penalty = R1(gamma=2.0, every=1)(images, [critic(images.flatten(1))[:, :, None, None]])
    torch.testing.assert_close(penalty, critic.weight.square().sum())


def test_scales_are_averaged_as_in_the_game() -> None:
    critic, images = linear(), IMAGES.clone().requires_grad_()
    logit = critic(images.flatten(1))[:, :, None, None]
    r1 = R1(gamma=2.0, every=1)
    scales = r1(images, [logit, 3 * logit.expand(5, 1, 2, 2)])
    torch.testing.assert_close(scales, 4 * critic.weight.square().sum())


STYLES = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(1))
SIDE = 8


def painted(styles: Tensor, gains: Tensor) -> Tensor:
    """One flat picture whose brightness is the sum over levels of ``gains`` times the styles."""
    return (styles * gains).sum((1, 2))[:, None, None, None].expand(-1, 1, SIDE, SIDE)


@pytest.fixture
def white(monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise of 1 everywhere: a flat picture of side s then has gradient s times its gains."""
    monkeypatch.setattr("talkface.ranks.noise_like", torch.ones_like)


GAINS = torch.tensor([[3.0, 4.0, 0.0, 0.0], [0.0, 0.0, 0.0, 12.0]])
LENGTH = SIDE * math.sqrt((5.0**2 + 12.0**2) / 2)
"""Norm over channels, quadratic mean over levels."""


@pytest.mark.usefixtures("white")
@pytest.mark.parametrize(("weight", "every"), [(1.0, 1), (2.0, 4)])
def test_the_path_length_of_a_linear_generator_is_known(weight: float, every: int) -> None:
    styles = STYLES.clone().requires_grad_()
    penalty = PathLength(weight, every, decay=0.25)
    value = penalty(painted(styles, GAINS), styles)
    assert penalty.mean.item() == pytest.approx(0.25 * LENGTH)
    assert value.item() == pytest.approx(weight * every * (0.75 * LENGTH) ** 2, rel=1e-5)
    penalty(painted(styles, GAINS), styles)
    assert penalty.mean.item() == pytest.approx((1 - 0.75**2) * LENGTH)


@pytest.mark.usefixtures("white")
@pytest.mark.parametrize(("wanted", "sign"), [(0.5 * LENGTH, 1), (2.0 * LENGTH, -1)])
def test_paths_longer_than_usual_are_shortened_and_shorter_ones_stretched(
    wanted: float, sign: int
) -> None:
    styles, gains = STYLES.clone().requires_grad_(), GAINS.clone().requires_grad_()
    penalty = PathLength(decay=0.0)
    penalty.mean.fill_(wanted)
    penalty(painted(styles, gains), styles).backward()
    assert gains.grad is not None
    assert sign * gains.grad[0, 0] > 0


def test_the_noise_of_a_path_length_does_not_depend_on_the_side() -> None:
    torch.manual_seed(0)
    lengths = []
    for side in (4, 64):
        styles = torch.zeros(500, 1, 1, requires_grad=True)
        rows = torch.ones(side, side) / side  # of unit length
        penalty = PathLength(decay=1.0)
        penalty(styles[:, :, :, None] * rows * side, styles)
        lengths.append(penalty.mean.item())
    assert lengths == [pytest.approx(math.sqrt(2 / math.pi), rel=0.1)] * 2


def test_a_generator_that_paints_nothing_has_a_finite_path_length() -> None:
    styles, gains = STYLES.clone().requires_grad_(), torch.zeros(2, 4, requires_grad=True)
    PathLength()(painted(styles, gains), styles).backward()
    assert gains.grad is not None
    assert gains.grad.isfinite().all()


def test_the_running_mean_of_path_lengths_is_saved() -> None:
    penalty = PathLength()
    penalty.mean.fill_(3.0)
    resumed = PathLength()
    resumed.load_state_dict(penalty.state_dict())
    assert resumed.mean.item() == 3.0


@pytest.mark.parametrize("regularizer", [R1, PathLength])
def test_a_regularizer_that_is_never_due_is_refused(regularizer: type[R1 | PathLength]) -> None:
    with pytest.raises(ValueError, match="every must be at least 1, got 0"):
        regularizer(every=0)
