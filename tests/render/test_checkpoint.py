import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.cli import instantiate_module
from pytorch_lightning.core.mixins.hparams_mixin import _given_hyperparameters_context
from torch import nn

from talkface.data.media import read_video
from talkface.render import CheckpointError, RenderError, Talker, generate, load_model
from talkface.system import TalkFace
from tests.render.fakes import tone, write_clip, write_picture, write_wav

SHARED = Path(__file__).parents[3] / "shared"

SMALL: dict[str, Any] = {
    "identity_encoder": {
        "class_path": "talkface.models.IdentityEncoder",
        "init_args": {"dim": 16, "channels": [8, 8, 8, 8, 8]},
    },
    "video_encoder": {
        "class_path": "talkface.models.VideoEncoder",
        "init_args": {
            "dim": 16,
            "face_dim": 4,
            "fan": {
                "class_path": "talkface.models.FAN",
                "init_args": {"features": 16, "depth": 2, "pool": False},
            },
        },
    },
    "audio_encoder": {
        "class_path": "talkface.models.AudioEncoder",
        "init_args": {"dim": 16, "width": 8},
    },
    "generator": {
        "class_path": "talkface.models.Generator",
        "init_args": {
            "mouth_dim": 16,
            "face_dim": 8,
            "identity_dim": 16,
            "identity_channels": [8, 8, 8, 8, 8],
            "base": 256,
            "limit": 16,
        },
    },
    "terms": {"vgg": {"network": "gone.pt2"}, "contrastive": {"weight": 0.1}},
}
"""Settings as the command line stores them; the network of ``vgg`` is no longer there."""


class Other(pl.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Linear(2, 2)


def save(model: pl.LightningModule, path: Path) -> Path:
    trainer = pl.Trainer(logger=False, accelerator="cpu", enable_progress_bar=False)
    trainer.strategy.connect(model)
    trainer.save_checkpoint(path)
    return path


def small(terms: dict[str, Any]) -> TalkFace:
    """A model with random weights, built from settings as ``talkface fit`` builds one."""
    torch.manual_seed(0)
    instantiator = "pytorch_lightning.cli.instantiate_module"
    settings = SMALL | {"terms": terms}
    with _given_hyperparameters_context(hparams=settings, instantiator=instantiator):
        return instantiate_module(TalkFace, settings)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a model that was trained with a ``vgg`` term."""
    path = save(small({"contrastive": {"weight": 0.1}}), tmp_path_factory.mktemp("run") / "a.ckpt")
    content = torch.load(path, weights_only=True)
    content["hyper_parameters"]["terms"] = SMALL["terms"]
    torch.save(content, path)
    return path


def test_a_model_comes_back_as_it_was_without_its_loss_network(trained: Path) -> None:
    model = load_model(trained)
    expected = small({"contrastive": {}}).state_dict()
    assert not model.training
    assert model.state_dict().keys() == expected.keys()
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, expected[name], msg=name)


def test_vgg_alone_is_no_hindrance(trained: Path, tmp_path: Path) -> None:
    content = torch.load(trained, weights_only=True)
    content["hyper_parameters"]["terms"] = {"vgg": {"network": "gone.pt2"}, "pixel": None}
    torch.save(content, tmp_path / "vgg.ckpt")
    assert load_model(tmp_path / "vgg.ckpt").resolution == 64


@pytest.mark.parametrize("drive", ["audio", "video", "both"])
def test_a_checkpoint_talks(trained: Path, tmp_path: Path, drive: str) -> None:
    speech = write_wav(tmp_path / "speech.wav", tone(8_111))
    clip = write_clip(tmp_path / "drive.mp4", 9)
    report = generate(
        trained,
        write_picture(tmp_path / "crop.png", width=64, height=64),
        None if drive == "video" else speech,
        None if drive == "audio" else clip,
        tmp_path / "talk.mp4",
        aligned=True,
        driving_aligned=True,
        progress=False,
    )
    frames = 9 if drive == "video" else 13
    assert read_video(report.output).shape == (frames, 3, 64, 64)


def test_a_trained_model_streams_what_it_renders_at_once(trained: Path) -> None:
    model = load_model(trained)
    identity = torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8)
    driving = torch.randint(0, 256, (7, 3, 64, 64), dtype=torch.uint8)
    small, large = (
        torch.cat(list(Talker(model, batch).frames(identity, tone(11_111), [driving])))
        for batch in (4, 64)
    )
    assert small.std() > 0.01
    torch.testing.assert_close(small, large, atol=1e-5, rtol=0)


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="real faces are not here")
@pytest.mark.parametrize("drive", ["audio", "video", "both"])
def test_a_real_portrait_talks(trained: Path, tmp_path: Path, drive: str) -> None:
    pytest.importorskip("mediapipe")
    clips = sorted((SHARED / "data/clips").glob("*.mpg"))
    report = generate(
        trained,
        SHARED / "data/portraits/ai_face_2.jpg",
        None if drive == "video" else clips[0],
        None if drive == "audio" else clips[1],
        tmp_path / "talk.mp4",
        landmarks="mediapipe",
        task=SHARED / "weights/face_landmarker.task",
        paste=True,
        progress=False,
    )
    assert report.drive == drive
    assert abs(report.frames - 75) <= 1
    assert read_video(report.output).shape[2:] == (1080, 1080)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no such file"):
        load_model(tmp_path / "none.ckpt")
    with pytest.raises(CheckpointError, match="it is a folder"):
        load_model(tmp_path)


def test_an_empty_file_a_text_and_a_zip(tmp_path: Path) -> None:
    path = tmp_path / "x.ckpt"
    path.touch()
    with pytest.raises(CheckpointError, match="the file is empty"):
        load_model(path)
    path.write_text("not a checkpoint")
    with pytest.raises(CheckpointError, match=r"not a file that torch\.save wrote"):
        load_model(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(CheckpointError, match=r"not a file that torch\.save wrote"):
        load_model(path)


def test_a_checkpoint_cut_short(trained: Path, tmp_path: Path) -> None:
    path = tmp_path / "half.ckpt"
    path.write_bytes(trained.read_bytes()[:5_000])
    with pytest.raises(CheckpointError, match="cut short"):
        load_model(path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ([1, 2], "it holds a list"),
        ({"conv.weight": torch.zeros(1)}, "no hyper_parameters and no state_dict but holds: conv"),
        ({}, "but holds: nothing"),
        ({"state_dict": {}, "hyper_parameters": {"lr": 1.0}}, "another model, built with lr"),
    ],
)
def test_other_things_that_torch_saves(tmp_path: Path, content: object, found: str) -> None:
    torch.save(content, tmp_path / "x.ckpt")
    with pytest.raises(CheckpointError, match=found):
        load_model(tmp_path / "x.ckpt")


def test_another_lightning_model(tmp_path: Path) -> None:
    path = save(Other(), tmp_path / "other.ckpt")
    with pytest.raises(CheckpointError, match=r"but holds|another model"):
        load_model(path)


def test_weights_that_do_not_fit_the_settings(trained: Path, tmp_path: Path) -> None:
    content = torch.load(trained, weights_only=True)
    content["hyper_parameters"]["audio_encoder"]["init_args"]["width"] = 16
    torch.save(content, tmp_path / "x.ckpt")
    with pytest.raises(CheckpointError, match=r"another version of it.*audio_encoder"):
        load_model(tmp_path / "x.ckpt")


class Evil:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_cannot_run_code(tmp_path: Path, zipped: bool) -> None:
    path, evil = tmp_path / "evil.ckpt", Evil(tmp_path / "made")
    if zipped:
        torch.save({"state_dict": {}, "hyper_parameters": evil}, path)
    else:
        path.write_bytes(pickle.dumps(evil))
    with pytest.raises(CheckpointError, match=r"refused|torch\.save"):
        load_model(path)
    assert not evil.path.exists()


@pytest.mark.parametrize("device", ["toaster", "meta"])
def test_a_device_that_computes_nothing(trained: Path, device: str) -> None:
    with pytest.raises(RenderError, match=f"Cannot compute on device {device}"):
        load_model(trained, device=device)
