import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from talkface.models import ModalityDiscriminator, SequenceDiscriminator, WordClassifier


def runs(frames: int = 3, side: int = 32, count: int = 2) -> Tensor:
    rng = torch.Generator().manual_seed(0)
    return torch.rand(count, frames, 3, side, side, generator=rng) * 2 - 1


@pytest.mark.parametrize(
    ("scales", "layers", "sides"),
    [(1, 3, [4]), (2, 3, [4, 2]), (3, 2, [8, 4, 2]), (1, 1, [16])],
)
def test_there_is_one_map_of_patches_per_scale(scales: int, layers: int, sides: list[int]) -> None:
    network = SequenceDiscriminator(frames=3, scales=scales, layers=layers, width=4)
    assert [tuple(x.shape) for x in network(runs())] == [(2, 1, side, side) for side in sides]


@torch.no_grad()
def test_every_further_scale_judges_the_picture_at_half_its_side() -> None:
    network = SequenceDiscriminator(frames=3, scales=2, layers=2, width=4).eval()
    frames = runs()
    corners = [frames[..., y::2, x::2] for y in (0, 1) for x in (0, 1)]
    halved = torch.stack(corners).mean(0).flatten(1, 2)
    torch.testing.assert_close(network(frames)[1], network.scales[1](halved))


@torch.no_grad()
def test_every_frame_of_a_run_is_judged() -> None:
    network = SequenceDiscriminator(frames=3, scales=1, layers=2, width=4).eval()
    for frame in range(3):
        other = runs()
        other[:, frame] *= -1
        assert (network(other)[0] - network(runs())[0]).abs().max() > 1e-3


@pytest.mark.parametrize("found", [1, 2, 4])
def test_runs_of_another_length_are_refused(found: int) -> None:
    network = SequenceDiscriminator(frames=3, width=4)
    with pytest.raises(ValueError, match=f"built for 3 frames, got {found}"):
        network(runs(found))


@torch.no_grad()
def test_no_convolution_stretches_anything() -> None:
    torch.manual_seed(0)
    network = SequenceDiscriminator(frames=3, scales=1, layers=2, width=4)
    for parameter in network.parameters():
        parameter.mul_(20)
    for _ in range(60):
        network(runs(side=8))
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) == 3
    for convolution in convolutions:
        norm = torch.linalg.matrix_norm(convolution.weight.flatten(1), 2).item()
        assert norm == pytest.approx(1, abs=0.02)


def test_patches_widen_up_to_eight_times() -> None:
    network = SequenceDiscriminator(frames=2, scales=1, layers=5, width=2)
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert [c.in_channels for c in convolutions] == [6, 2, 4, 8, 16, 16]


@torch.no_grad()
@pytest.mark.parametrize("shape", [(5,), (2, 3)])
def test_modality_is_one_logit_per_code(shape: tuple[int, ...]) -> None:
    network = ModalityDiscriminator(dim=2, hidden=2)
    first, last = network.net[0], network.net[2]
    assert isinstance(first, nn.Linear)
    assert isinstance(last, nn.Linear)
    first.weight.copy_(torch.eye(2))
    first.bias.zero_()
    last.weight.copy_(torch.tensor([[1.0, 10.0]]))
    last.bias.fill_(100)
    logits = network(torch.tensor([3.0, -5.0]).expand(*shape, 2))
    torch.testing.assert_close(logits, torch.full(shape, 3 - 0.2 * 50 + 100.0))


def test_a_word_is_named_from_a_whole_run() -> None:
    network = WordClassifier(classes=7, frames=4, dim=9, width=5).eval()
    features = torch.randn(3, 4, 9, generator=torch.Generator().manual_seed(0)).requires_grad_()
    logits = network(features)
    assert logits.shape == (3, 7)
    logits[1].square().sum().backward()
    assert features.grad is not None
    reached = features.grad.abs().sum(2) > 0
    assert reached.tolist() == [[False] * 4, [True] * 4, [False] * 4]


@pytest.mark.parametrize("found", [19, 21])
def test_a_word_is_not_named_from_runs_of_another_length(found: int) -> None:
    with pytest.raises(ValueError, match=f"built for 20 frames, got {found}"):
        WordClassifier(classes=3)(torch.zeros(1, found, 992))


def test_order_of_frames_tells_words_apart() -> None:
    torch.manual_seed(0)
    network = WordClassifier(classes=2, frames=3, dim=4, width=16)
    rng = torch.Generator().manual_seed(0)
    run = torch.randn(1, 3, 4, generator=rng)
    pair, label = torch.cat([run, run.flip(1)]), torch.tensor([0, 1])
    optimizer = torch.optim.Adam(network.parameters(), 0.02)
    for _ in range(60):
        optimizer.zero_grad()
        F.cross_entropy(network(pair), label).backward()
        optimizer.step()
    network.eval()
    assert F.cross_entropy(network(pair), label).item() < math.log(2) / 4
