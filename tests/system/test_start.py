"""Trainings that start from weights made before."""

import logging
from pathlib import Path

import pytest
import torch

from talkface.losses import LandmarkError, Pixel, Terms
from talkface.models import FAN, AudioEncoder, Generator, IdentityEncoder, VideoEncoder
from talkface.system import TalkFace
from tests.system.test_talkface import CHANNELS, DIM, data, trainer


@pytest.fixture
def pretrained(tmp_path: Path) -> Path:
    """An identity encoder as pre-training leaves it."""
    torch.manual_seed(1)
    state = IdentityEncoder(DIM, CHANNELS).state_dict()
    file = tmp_path / "identity.ckpt"
    torch.save({"state_dict": {f"encoder.{name}": value for name, value in state.items()}}, file)
    return file


@pytest.fixture
def landmarks(tmp_path: Path) -> Path:
    """A FAN of two hourglasses as if it were released."""
    torch.manual_seed(2)
    file = tmp_path / "fan.pth"
    torch.save(FAN(2, features=16, depth=2).state_dict(), file)
    return file


def started(pretrained: Path, landmarks: Path, *, frozen: bool, warmup: int = 0) -> TalkFace:
    torch.manual_seed(0)
    fan = FAN(features=16, depth=2, pool=False, init_from=landmarks, frozen=frozen)
    return TalkFace(
        IdentityEncoder(DIM, CHANNELS, init_from=pretrained),
        VideoEncoder(DIM, 4, fan, hidden=16),
        AudioEncoder(DIM, width=8),
        Generator(64, DIM, 8, 8, CHANNELS, base=256, limit=16),
        Terms(pixel=Pixel(), landmarks=LandmarkError()),
        rendered=2,
        warmup=warmup,
    )


def test_a_training_starts_from_the_weights_that_networks_name_and_says_so(
    prepared: Path, pretrained: Path, landmarks: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = started(pretrained, landmarks, frozen=True, warmup=9)
    with caplog.at_level(logging.INFO, "talkface"):
        trainer(steps=1).fit(model, data(prepared))
    weights = torch.load(pretrained, weights_only=True)["state_dict"]
    for name, value in model.identity_encoder.state_dict().items():
        assert torch.equal(value, weights[f"encoder.{name}"]), name
    assert f"IdentityEncoder starts from {pretrained}" in caplog.text
    assert f"FAN starts from {landmarks}" in caplog.text


@pytest.mark.parametrize("frozen", [True, False])
def test_a_trunk_is_frozen_or_fine_tuned(
    prepared: Path, pretrained: Path, landmarks: Path, *, frozen: bool
) -> None:
    model = started(pretrained, landmarks, frozen=frozen)
    trainer(steps=2).fit(model, data(prepared))
    weights = torch.load(landmarks, weights_only=True)
    same = {
        k: torch.equal(v, weights[k]) for k, v in model.video_encoder.trunk.state_dict().items()
    }
    assert all(same.values()) == frozen
    assert not any(same[name] for name in ("conv1.weight", "bn1.running_mean")) or frozen


def test_a_resumed_training_and_a_rebuilt_model_need_no_such_file(
    prepared: Path, pretrained: Path, landmarks: Path, tmp_path: Path
) -> None:
    fitting = trainer(steps=1)
    fitting.fit(started(pretrained, landmarks, frozen=False), data(prepared))
    fitting.save_checkpoint(tmp_path / "model.ckpt")
    pretrained.unlink()
    landmarks.unlink()
    resumed = started(pretrained, landmarks, frozen=False)
    again = trainer(steps=1)
    again.fit_loop.max_epochs = 2
    again.fit(resumed, data(prepared), ckpt_path=tmp_path / "model.ckpt", weights_only=False)
    assert resumed.steps == 2
    with pytest.raises(ValueError, match=r"`init_from` .*\.(ckpt|pth) cannot be used"):
        trainer(steps=1).fit(started(pretrained, landmarks, frozen=False), data(prepared))
