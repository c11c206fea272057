from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from talkface.models.syncnet import SyncNet, SyncNetError, load_syncnet

Shape = tuple[int, ...]

CONVOLUTIONS = (0, 4, 8, 11, 14, 18)
"""Places of the convolutions in both trunks; a normalisation stands behind each."""

AUDIO: tuple[Shape, ...] = (
    *((64, 1, 3, 3), (192, 64, 3, 3), (384, 192, 3, 3)),
    *((256, 384, 3, 3), (256, 256, 3, 3), (512, 256, 5, 4)),
)
LIPS: tuple[Shape, ...] = (
    *((96, 3, 5, 7, 7), (256, 96, 1, 5, 5), (256, 256, 1, 3, 3)),
    *((256, 256, 1, 3, 3), (256, 256, 1, 3, 3), (512, 256, 1, 6, 6)),
)


def released_shapes() -> dict[str, Shape]:
    """Names and shapes of the released state dict."""
    shapes: dict[str, Shape] = {}
    for trunk, kernels in (("netcnnaud", AUDIO), ("netcnnlip", LIPS)):
        for place, kernel in zip(CONVOLUTIONS, kernels, strict=True):
            shapes |= {f"{trunk}.{place}.weight": kernel, f"{trunk}.{place}.bias": kernel[:1]}
            shapes |= normalisation(f"{trunk}.{place + 1}", kernel[0])
    for head in ("netfcaud", "netfclip"):
        shapes |= {f"{head}.0.weight": (512, 512), f"{head}.0.bias": (512,)}
        shapes |= normalisation(f"{head}.1", 512)
        shapes |= {f"{head}.3.weight": (1024, 512), f"{head}.3.bias": (1024,)}
    return shapes


def normalisation(name: str, channels: int) -> dict[str, Shape]:
    names = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{part}": (channels,) for part in names}


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    """A state dict of the released shapes whose codes depend on what is seen and heard."""
    rng = torch.Generator().manual_seed(0)
    tensors = {}
    for name, shape in released_shapes().items():
        drawn = torch.rand(shape, generator=rng)
        if len(shape) > 1:
            drawn = (drawn - 0.5) * (12 * 2 / drawn[0].numel()) ** 0.5
        elif "weight" in name or "var" in name:
            drawn = drawn + 0.5
        else:
            drawn = drawn - 0.5
        tensors[name] = drawn
    return tensors


@pytest.fixture(scope="module")
def file(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state dict as the released file is written: before the zip format, without counts."""
    path = tmp_path_factory.mktemp("syncnet") / "syncnet_v2.model"
    torch.save(state, path, _use_new_zipfile_serialization=False)
    return path


def test_names_and_shapes_are_those_of_the_released_model() -> None:
    network = SyncNet()
    own = {
        name: tuple(tensor.shape)
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    assert own == released_shapes()
    assert sum(p.numel() for p in network.parameters()) == 13_631_616


def published(state: dict[str, Tensor], which: str, x: Tensor) -> Tensor:
    """The published network, written out as functions."""
    audio = which == "aud"
    pool: Callable[..., Tensor] = F.max_pool2d if audio else F.max_pool3d
    convolve: Callable[..., Tensor] = F.conv2d if audio else F.conv3d
    strides = {} if audio else {0: (1, 2, 2), 4: (1, 2, 2)}
    paddings = (
        dict.fromkeys((0, 4, 8, 11, 14), (1, 1))
        if audio
        else dict.fromkeys((4, 8, 11, 14), (0, 1, 1))
    )
    pools = (
        {4: (3, (1, 2), 0), 14: (3, (2, 2), 0)}
        if audio
        else {
            0: ((1, 3, 3), (1, 2, 2), 0),
            4: ((1, 3, 3), (1, 2, 2), (0, 1, 1)),
            14: ((1, 3, 3), (1, 2, 2), 0),
        }
    )

    def normalise(name: str, x: Tensor) -> Tensor:
        mean, var = state[f"{name}.running_mean"], state[f"{name}.running_var"]
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        return F.relu(F.batch_norm(x, mean, var, weight, bias))

    for place in CONVOLUTIONS:
        name = f"netcnn{which}.{place}"
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        x = convolve(x, weight, bias, strides.get(place, 1), paddings.get(place, 0))
        x = normalise(f"netcnn{which}.{place + 1}", x)
        if place in pools:
            x = pool(x, *pools[place])
    head = f"netfc{which}"
    x = F.linear(x.flatten(1), state[f"{head}.0.weight"], state[f"{head}.0.bias"])
    x = normalise(f"{head}.1", x)
    return F.linear(x, state[f"{head}.3.weight"], state[f"{head}.3.bias"])


@torch.no_grad()
def test_codes_are_those_of_the_published_network(file: Path, state: dict[str, Tensor]) -> None:
    network = load_syncnet(file)
    rng = torch.Generator().manual_seed(1)
    mfcc = 5 * torch.randn(3, 1, 13, 20, generator=rng)
    video = 255 * torch.rand(2, 3, 5, 224, 224, generator=rng)
    for found, expected in (
        (network.audio(mfcc), published(state, "aud", mfcc)),
        (network.lips(video), published(state, "lip", video)),
    ):
        assert found.shape[1] == 1024
        assert found.std(0).mean() > 0.01 * found.abs().mean()
        torch.testing.assert_close(found, expected)


def test_a_loaded_network_is_frozen_and_in_evaluation_mode(file: Path) -> None:
    network = load_syncnet(file)
    assert not any(module.training for module in network.modules())
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_files_with_counts_of_batches_and_of_parallel_training_load(
    state: dict[str, Tensor], tmp_path: Path
) -> None:
    means = [name for name in state if name.endswith("running_mean")]
    counts = {n.replace("running_mean", "num_batches_tracked"): torch.tensor(7) for n in means}
    content = {f"module.{name}": tensor for name, tensor in (state | counts).items()}
    torch.save(content, tmp_path / "a.pt")
    loaded = load_syncnet(tmp_path / "a.pt").state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in (state | counts).items())


def test_a_missing_or_damaged_file_is_named_with_a_next_step(tmp_path: Path) -> None:
    with pytest.raises(SyncNetError, match=r"a\.pt: there is no such file\. Give the path of `sy"):
        load_syncnet(tmp_path / "a.pt")
    (tmp_path / "a.pt").write_text("<html>404</html>")
    with pytest.raises(SyncNetError, match=r"it is damaged, or holds no tensors by name.*download"):
        load_syncnet(tmp_path / "a.pt")


def test_another_network_is_refused(tmp_path: Path) -> None:
    torch.save({"conv.weight": torch.ones(1), "conv.bias": torch.ones(1)}, tmp_path / "a.pt")
    message = r"it is not a SyncNet but holds conv\.weight, conv\.bias\. Give"
    with pytest.raises(SyncNetError, match=message):
        load_syncnet(tmp_path / "a.pt")
    torch.save({"epoch": 3}, tmp_path / "a.pt")
    with pytest.raises(SyncNetError, match="it is not a SyncNet but holds no tensors"):
        load_syncnet(tmp_path / "a.pt")


def test_a_syncnet_of_another_size_is_refused_with_both_shapes(
    state: dict[str, Tensor], tmp_path: Path
) -> None:
    wide = {name: torch.ones(1).expand(shape) for name, shape in released_shapes().items()}
    wide["netfcaud.3.weight"] = torch.ones(1).expand(256, 512)
    del wide["netcnnlip.0.bias"]
    torch.save(wide, tmp_path / "a.pt")
    message = (
        r"it has netcnnlip\.0\.bias \(missing\) instead of 96, "
        r"netfcaud\.3\.weight 256x512 instead of 1024x512\. Give"
    )
    with pytest.raises(SyncNetError, match=message):
        load_syncnet(tmp_path / "a.pt")
    torch.save({"netfcaud.3.bias": state["netfcaud.3.bias"]}, tmp_path / "a.pt")
    with pytest.raises(SyncNetError, match=r"\(missing\) instead of .* and 84 more"):
        load_syncnet(tmp_path / "a.pt")
