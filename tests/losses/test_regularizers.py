import pytest
import torch
from torch import nn

from talkface.losses import R1

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
