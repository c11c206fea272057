import http.client
import importlib.util
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch
from torch import Tensor

from talkface.metrics.pretrained import (
    INCEPTION,
    PATIENCE,
    MissingWeightsError,
    cached,
    fid_network,
    lpips_network,
)

models = pytest.importorskip("torchvision.models")

ALEXNET, URL = "alexnet-owt-7be5be79.pth", "https://weights.example/net-0123abcd.pth"

Download = Callable[..., None]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty torch hub cache of our own."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub._hub_dir", None)
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def downloading(monkeypatch: pytest.MonkeyPatch, download: Download) -> None:
    monkeypatch.setattr("torch.hub.download_url_to_file", download)


def failing(error: Exception) -> Download:
    def download(*_: object, **__: object) -> None:
        raise error

    return download


def random_alexnet() -> dict[str, Tensor]:
    """A state dict as torchvision publishes it, small on disk: the classifier repeats one zero."""
    torch.manual_seed(0)
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in models.alexnet().state_dict().items()}
    return {
        name: torch.randn(shape) / shape[1:].numel() ** 0.5
        if name.startswith("features")
        else torch.zeros(1).expand(shape)
        for name, shape in shapes.items()
    }


@pytest.fixture(scope="module")
def inception(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights as pytorch-fid publishes them."""
    torch.manual_seed(0)
    network = models.inception_v3(
        weights=None, init_weights=False, aux_logits=False, num_classes=1008
    )
    state = {
        name: 2 * tensor if name.endswith("bn.weight") else tensor
        for name, tensor in network.state_dict().items()
    }
    path = tmp_path_factory.mktemp("inception") / "pt_inception-2015-12-05-6726825d.pth"
    torch.save(state, path)
    return path


def test_lpips_takes_alexnet_from_the_cache_and_brings_its_own_trained_layers(cache: Path) -> None:
    state = random_alexnet()
    torch.save(state, cache / ALEXNET)
    network = lpips_network()
    kernels = [p for name, p in network.net.net.named_parameters() if name.endswith("weight")]
    expected = [p for name, p in state.items() if "features" in name and name.endswith("weight")]
    assert len(kernels) == 5
    assert all(torch.equal(kernel, p) for kernel, p in zip(kernels, expected, strict=True))
    layers = [p for name, p in network.net.named_parameters() if name.startswith("lin")]
    assert len(layers) == 5
    assert all(bool((layer >= 0).all()) for layer in layers)  # random ones have both signs


@pytest.mark.parametrize("content", ["text", "another network"])
def test_a_damaged_alexnet_is_named_with_a_next_step(content: str, cache: Path) -> None:
    (cache / ALEXNET).write_text("<html>404</html>")
    if content != "text":
        torch.save({"conv.weight": torch.ones(1)}, cache / ALEXNET)
    message = (
        rf"the network of LPIPS is missing: .*{ALEXNET} is damaged, or does not hold .*Delete it"
    )
    with pytest.raises(MissingWeightsError, match=message):
        lpips_network()


@pytest.mark.parametrize(
    "error",
    [
        URLError("no route to host"),
        TimeoutError("no route to host"),
        http.client.IncompleteRead(b"no route to host"),
        RuntimeError("invalid hash value, no route to host"),
    ],
)
def test_without_a_network_the_file_and_its_place_are_named(
    error: Exception, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    downloading(monkeypatch, failing(error))
    message = (
        r"the network of LPIPS is missing.*not be downloaded \(.*"
        rf"put `{ALEXNET}` from https.*{cache}"
    )
    with pytest.raises(MissingWeightsError, match=message):
        lpips_network()
    if importlib.util.find_spec("torch_fidelity"):
        message = rf"network of FID is missing.*put `weights-inc.*` from {INCEPTION} into {cache}"
        with pytest.raises(MissingWeightsError, match=message):
            fid_network()


def test_a_file_in_the_cache_is_not_downloaded_again(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    downloading(monkeypatch, failing(AssertionError("downloads")))
    (cache / "net-0123abcd.pth").write_text("weights")
    assert cached("FID", URL) == cache / "net-0123abcd.pth"


def test_a_download_is_verified_and_does_not_wait_for_ever(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def download(*arguments: object) -> None:
        seen.extend([*arguments, socket.getdefaulttimeout()])

    downloading(monkeypatch, download)
    shutil.rmtree(cache)
    file = cached("FID", URL)
    assert seen == [URL, str(file), "0123abcd", PATIENCE]
    assert file.parent.is_dir()
    downloading(monkeypatch, failing(URLError("no")))
    with pytest.raises(MissingWeightsError):
        cached("FID", URL)
    assert socket.getdefaulttimeout() is None


def test_fid_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        MissingWeightsError, match=r"torch-fidelity is not installed.*talkface\[fid"
    ):
        fid_network()


@torch.no_grad()
def test_features_are_those_of_torch_fidelity(inception: Path) -> None:
    fidelity = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
    assert fidelity.URL_INCEPTION_V3 == INCEPTION
    frames = torch.randint(0, 256, (2, 3, 72, 64), dtype=torch.uint8)
    reference = fidelity.FeatureExtractorInceptionV3("inception", ["2048"], str(inception))
    found, (expected,) = fid_network(inception)(frames), reference(frames)
    assert found.shape == (2, 2048)
    assert expected.std(0).mean() > 1e-3 * expected.mean() > 0
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6 * float(expected.max()))


def test_fid_weights_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("torch_fidelity")
    with pytest.raises(MissingWeightsError, match=r"there is no file .*a\.pth\. Give the path"):
        fid_network(tmp_path / "a.pth")
    torch.save({"conv.weight": torch.ones(1)}, tmp_path / "a.pth")
    with pytest.raises(MissingWeightsError, match=r"a\.pth is damaged, or does not hold the weig"):
        fid_network(tmp_path / "a.pth")


def test_weights_from_a_stranger_do_not_run_code(tmp_path: Path) -> None:
    pytest.importorskip("torch_fidelity")

    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return shutil.rmtree, (str(tmp_path / "precious"),)

    (tmp_path / "precious").mkdir()
    torch.save({"w": torch.ones(2), "bomb": Bomb()}, tmp_path / "a.pth")
    with pytest.raises(MissingWeightsError, match=r"a\.pth is damaged"):
        fid_network(tmp_path / "a.pth")
    assert (tmp_path / "precious").is_dir()
