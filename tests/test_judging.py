"""Who judges, by what is asked for and what weights can be had."""

import logging
import re
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from talkface import judging
from talkface.judging import Weighted, embedding, psf_columns, seat
from talkface.metrics.judge import Judge
from talkface.metrics.pretrained import MissingWeightsError
from talkface.models.identity import IdentityEncoder
from talkface.models.syncnet import SyncNet

CHANNELS = (4, 4, 8, 8, 8)


def seated(judges: list[Judge]) -> list[str]:
    return [type(judge).__name__ for judge in judges]


def saved_encoder(folder: Path) -> tuple[Path, IdentityEncoder]:
    """An encoder as a checkpoint of identity pre-training holds it."""
    encoder = IdentityEncoder(dim=16, channels=CHANNELS)
    state = {f"encoder.{name}": value for name, value in encoder.state_dict().items()}
    torch.save({"state_dict": state}, folder / "identity.ckpt")
    return folder / "identity.ckpt", encoder.eval()


def test_pictures_always_sit_and_points_where_there_are_landmarks() -> None:
    assert seated(seat(Weighted(), points=False).judges) == ["Pictures"]
    assert seated(seat(Weighted(), points=True).judges) == ["Pictures", "Points"]
    assert seat(Weighted(), points=True).notes == []


def test_whoever_has_weights_sits_too(tmp_path: Path) -> None:
    torch.save(SyncNet().state_dict(), tmp_path / "syncnet.model")
    identity, _ = saved_encoder(tmp_path)
    bench = seat(Weighted(tmp_path / "syncnet.model", identity), points=False)
    assert seated(bench.judges) == ["Pictures", "LipSync", "Likeness"]
    assert bench.notes == []


@pytest.mark.parametrize(
    ("weighted", "told"),
    [
        (Weighted(syncnet=Path("none.model")), "LSE is left out: .*none.model.*no such file"),
        (Weighted(identity=Path("none.ckpt")), "CSIM is left out: .*none.ckpt.*no such file"),
    ],
    ids=["syncnet", "identity"],
)
def test_missing_weights_cost_one_metric_and_are_told(
    weighted: Weighted, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "talkface.judging"):
        bench = seat(weighted, points=False)
    assert seated(bench.judges) == ["Pictures"]
    (note,) = bench.notes
    assert note in caplog.text
    assert re.search(told, note)


def test_networks_that_cannot_be_downloaded_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise MissingWeightsError("It", "there is no network", "Get one.")

    monkeypatch.setattr(judging, "lpips_network", missing)
    monkeypatch.setattr(judging, "fid_network", missing)
    bench = seat(Weighted(lpips=True, fid=True), points=False)
    assert seated(bench.judges) == ["Pictures"]
    assert bench.fid is None
    assert [note.split(" is left out")[0] for note in bench.notes] == ["LPIPS", "FID"]


def test_embeddings_are_the_codes_of_the_encoder_in_the_file(tmp_path: Path) -> None:
    file, encoder = saved_encoder(tmp_path)
    frames = torch.rand(3, 3, 32, 32)
    codes = embedding(file)(frames)
    torch.testing.assert_close(codes, encoder(2 * frames - 1).code)
    assert F.cosine_similarity(codes[0], codes[0], dim=0).item() == pytest.approx(1, abs=1e-6)
    assert not codes.requires_grad


def test_syncnet_hears_thirteen_coefficients_a_hundred_times_a_second() -> None:
    sound = torch.randint(-9000, 9000, (16_000,), dtype=torch.int16)
    assert psf_columns()(sound).shape == (98, 13)
