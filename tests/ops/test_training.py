"""A training step is the same with either operations."""

from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from talkface.losses import R1, PathLength
from talkface.ops import backend
from talkface.system import TalkFace
from tests.system.test_talkface import data, system, trainer


def step(corpus: Path) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Losses of a step with both penalties, and the last gradient of every weight."""
    model = system(r1=R1(every=1), path_length=PathLength(every=1), residual=False)
    pl.seed_everything(1, verbose=False)
    fit = trainer(steps=1)
    gradients: dict[str, Tensor] = {}

    class Keep(pl.Callback):
        def on_before_optimizer_step(
            self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: object
        ) -> None:
            named = pl_module.named_parameters()
            gradients.update({n: p.grad.clone() for n, p in named if p.grad is not None})

    fit.callbacks.append(Keep())  # type: ignore[attr-defined]
    fit.fit(model, data(corpus))
    assert isinstance(model, TalkFace)
    return dict(fit.logged_metrics), gradients


@pytest.mark.usefixtures("native")
def test_losses_and_gradients_of_a_step_are_those_of_the_reference(
    prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses, gradients = step(prepared)
    monkeypatch.setenv(backend.SETTING, "reference")
    expected_losses, expected = step(prepared)
    assert {"adversary/r1", "train/path_length"} <= losses.keys()
    torch.testing.assert_close(losses, expected_losses, rtol=1e-4, atol=1e-5)
    assert len(gradients) > 50
    for network in {name.split(".")[0] for name in expected}:  # one weight may cancel to noise
        names = [name for name in expected if name.startswith(f"{network}.")]
        mine, theirs = (torch.cat([g[n].flatten() for n in names]) for g in (gradients, expected))
        assert (mine - theirs).norm() <= 1e-3 * theirs.norm(), network
