"""Gradient checkpointing changes memory and time, and no number."""

from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from talkface.data.datamodule import TalkFaceData
from talkface.losses import R1, LandmarkError, PathLength, Pixel, Terms
from talkface.models import FAN, AudioEncoder, Generator, IdentityEncoder, VideoEncoder
from talkface.models.layers import NoisyActivation
from talkface.models.recompute import Block
from talkface.system import TalkFace
from tests.memory import Peak
from tests.system.test_talkface import CHANNELS, DIM, system, trainer


class Seen(pl.Callback):
    """Keeps losses and gradients of every step."""

    def __init__(self) -> None:
        self.losses: list[dict[str, Tensor]] = []
        self.gradients: list[list[Tensor]] = []

    def on_before_optimizer_step(self, *given: Any) -> None:
        """Keep the gradients of this optimizer."""
        groups = given[-1].param_groups
        grads = [p.grad for group in groups for p in group["params"] if p.grad is not None]
        self.gradients.append([grad.clone() for grad in grads])

    def on_train_batch_end(self, trainer: pl.Trainer, module: Any, *_: Any) -> None:
        """Keep the losses."""
        self.losses.append(dict(module.measured))


def trained(prepared: Path, *, again: bool) -> tuple[TalkFace, Seen]:
    """Three steps with every loss and penalty in them, and noise that counts."""
    settings: dict[str, Any] = {
        "r1": R1(every=2),
        "path_length": PathLength(every=2),
        "residual": False,
    }
    model = system(gradient_checkpointing=again, **settings)
    for module in model.modules():
        if isinstance(module, NoisyActivation):
            module.strength.data.fill_(0.3)
    train, seen = trainer(steps=3), Seen()
    train.callbacks.append(seen)  # type: ignore[attr-defined]
    windows = TalkFaceData(
        prepared, frames=6, batch_size=2, workers=0, augment=None, windows_per_clip=2
    )
    train.fit(model, windows)
    return model, seen


@pytest.mark.slow
def test_computing_activations_again_changes_no_loss_gradient_statistic_or_weight(
    prepared: Path,
) -> None:
    kept, before = trained(prepared, again=False)
    again, after = trained(prepared, again=True)
    assert sum(getattr(module, "recomputed", False) for module in again.modules()) > 20
    assert len(before.losses) == 3
    assert {"adversary/r1", "train/path_length"} <= before.losses[0].keys()
    assert after.losses == before.losses
    for ours, theirs in zip(after.gradients, before.gradients, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    weights = kept.state_dict()
    assert {n for n, v in again.state_dict().items() if not torch.equal(v, weights[n])} == set()


def test_computing_activations_again_at_least_halves_what_is_kept() -> None:
    def memory(*, again: bool) -> tuple[int, int]:
        torch.manual_seed(0)
        model = TalkFace(
            IdentityEncoder(DIM, CHANNELS),
            VideoEncoder(DIM, 4, FAN(features=32, depth=3, pool=False), hidden=16),
            AudioEncoder(DIM, width=8),
            Generator(64, DIM, 8, 8, CHANNELS, base=512, limit=16),
            Terms(pixel=Pixel(), landmarks=LandmarkError()),
            gradient_checkpointing=again,
        )
        with Peak() as memory:
            frames = torch.rand(1, 4, 3, 64, 64)
            video = model.encode_video(frames)
            portrait = model.generator.plan(model.identity_encoder(frames[:, 0]), video.face[:, 0])
            shown = model.render(video.lips, video.face, portrait)
            kept = memory.now
            (shown.square().mean() + video.landmarks.square().mean()).backward()
        return kept, memory.most

    (kept, most), (kept_again, most_again) = memory(again=False), memory(again=True)
    assert kept_again < kept / 2
    assert most_again < 0.7 * most


def test_without_gradients_nothing_is_computed_again() -> None:
    class Counted(Block):
        calls = 0

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            return x.exp()

    block = Counted()
    block.recomputed = True
    with torch.no_grad():
        block(torch.ones(1, requires_grad=True))
    assert block.calls == 1
    block(torch.ones(1, requires_grad=True)).backward()
    assert block.calls == 3


def test_a_compiled_network_cannot_be_computed_again() -> None:
    with pytest.raises(ValueError, match=r"`model\.gradient_checkpointing` do not go together"):
        system(compiled=True, gradient_checkpointing=True)
