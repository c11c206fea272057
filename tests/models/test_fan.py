from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from torch import Tensor, nn

from talkface.models import FAN
from talkface.models.warmstart import Report
from talkface.models.weights import WarmStartError

RELEASED = "2DFAN4-11f355bf06.pth.tar"


def released(modules: int) -> nn.Module:
    """The network of face_alignment, its normalisations set as if it were trained."""
    fan = pytest.importorskip("face_alignment.models.fan")
    torch.manual_seed(modules)
    network: nn.Module = fan.FAN(modules)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                assert module.running_mean is not None
                assert module.running_var is not None
                module.running_mean.normal_(std=0.1)
                module.running_var.uniform_(0.5, 1.5)
                module.weight.uniform_(0.8, 1.2)
                module.bias.normal_(std=0.1)
    return network.eval()


def images(side: int = 64, count: int = 1) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def four() -> nn.Module:
    return released(4)


@pytest.fixture(scope="module")
def cache(four: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A torch cache that holds four hourglasses as they were released, in the format of 2017."""
    home = tmp_path_factory.mktemp("home")
    file = home / "hub" / "checkpoints" / RELEASED
    file.parent.mkdir(parents=True)
    weights = {k: v for k, v in four.state_dict().items() if not k.endswith("batches_tracked")}
    torch.save(weights, file, _use_new_zipfile_serialization=False)
    return home


def warm(fan: FAN) -> Report:
    report = fan.warm_start()
    assert report is not None
    return report


def small(
    modules: int = 1,
    *,
    pool: bool = True,
    init_from: str | Path | None = None,
    frozen: bool = False,
) -> FAN:
    torch.manual_seed(modules)
    return FAN(modules, 16, 2, pool=pool, init_from=init_from, frozen=frozen)


@torch.no_grad()
def test_it_is_the_fan_of_face_alignment() -> None:
    reference = released(1)
    fan = FAN(1)
    fan.load_state_dict(reference.state_dict(), strict=True)
    expected = reference(images())[-1]
    found = fan.eval()(images())
    assert expected.std() > 1e-2
    assert (found - expected).abs().max() <= 1e-5


@torch.no_grad()
@pytest.mark.parametrize("modules", [1, 4])
def test_it_starts_from_the_released_weights_of_the_same_or_more_hourglasses(
    modules: int, four: nn.Module, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(cache))
    fan = FAN(modules, init_from="2DFAN-4")
    report = warm(fan)
    heats = four(images())
    found = fan.eval()(images())
    assert (found - heats[modules - 1]).abs().max() <= 1e-5
    assert all((found - heat).abs().max() > 1e-2 for heat in heats[: modules - 1])
    assert report.source.endswith(RELEASED)
    assert {name.rpartition(".")[2] for name in report.left} == {"num_batches_tracked"}
    assert bool(report.unused) == (modules < 4)
    assert {*report.loaded, *report.left} == fan.state_dict().keys()


def test_without_a_network_the_error_says_where_the_released_file_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    utils = pytest.importorskip("face_alignment.utils")

    def refuse(*_: object, **__: object) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr(utils, "download_url_to_file", refuse)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    expected = rf"could not be downloaded .*no route.* put `{RELEASED}` from https.* into {folder}"
    with pytest.raises(WarmStartError, match=expected):
        FAN(init_from="2DFAN-4").warm_start()


def test_construction_only_remembers_the_file_and_loads_nothing(tmp_path: Path) -> None:
    fan = small(init_from=tmp_path / "missing.pth")
    assert fan.init_from == str(tmp_path / "missing.pth")
    with pytest.raises(WarmStartError, match="no such file"):
        fan.warm_start()
    assert small().warm_start() is None


@pytest.mark.parametrize("form", ["plain", "wrapped", "parallel"])
def test_weights_are_found_in_whichever_form_they_were_saved(form: str, tmp_path: Path) -> None:
    trained, file = small(2), tmp_path / "fan.pth.tar"
    weights = trained.state_dict()
    forms = {"plain": weights, "wrapped": {"state_dict": weights}}
    forms["parallel"] = {f"module.{name}": value for name, value in weights.items()}
    torch.save(forms[form], file)
    fan = small(1, init_from=file)
    assert {*warm(fan).loaded} == fan.state_dict().keys()
    assert all(torch.equal(value, weights[name]) for name, value in fan.state_dict().items())


@pytest.mark.filterwarnings("ignore::FutureWarning:torch.jit")
def test_an_archive_of_torchscript_is_read_as_well(tmp_path: Path) -> None:
    class Unmoved(FAN):
        def forward(self, x: Tensor) -> Tensor:
            return x

    trained, file = Unmoved(2, 16, 2), tmp_path / "2DFAN4.zip"
    torch.jit.save(torch.jit.trace(trained, images()), file)
    fan = small(1, init_from=file)
    assert {*warm(fan).loaded} == fan.state_dict().keys()
    assert all(
        torch.equal(value, trained.state_dict()[name]) for name, value in fan.state_dict().items()
    )


@pytest.mark.parametrize(
    ("sizes", "found"),
    [
        ((2, 32, 2), "features=16"),
        ((2, 16, 1), "depth=2"),
        ((3, 16, 2), "num_modules=2"),
    ],
)
def test_weights_of_another_size_are_refused_whole(
    sizes: tuple[int, int, int], found: str, tmp_path: Path
) -> None:
    file = tmp_path / "fan.pth"
    torch.save(small(2).state_dict(), file)
    network = FAN(*sizes, init_from=file)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(WarmStartError, match=rf"holds a FAN of .*{found}.*This one has .*Set "):
        network.warm_start()
    assert all(torch.equal(value, before[k]) for k, value in network.state_dict().items())


def test_a_file_that_lacks_one_tensor_or_holds_another_network_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "fan.pth"
    weights = small().state_dict()
    del weights["top_m_0.bn1.weight"]
    torch.save(weights, file)
    with pytest.raises(WarmStartError, match=r"1 of \d+ .*: top_m_0.bn1.weight is missing there"):
        small(init_from=file).warm_start()
    torch.save(nn.Linear(2, 2).state_dict(), file)
    with pytest.raises(WarmStartError, match="it holds no FAN"):
        small(init_from=file).warm_start()


def test_weights_in_a_network_without_pooling_are_reported_as_another_network(
    tmp_path: Path,
) -> None:
    file = tmp_path / "fan.pth"
    torch.save(small().state_dict(), file)
    assert "pool" in str(small(pool=False, init_from=file).warm_start())
    assert "pool" not in str(small(init_from=file).warm_start())


@pytest.mark.parametrize("frozen", [True, False])
def test_only_a_frozen_network_stays_as_it_is_in_training(*, frozen: bool) -> None:
    torch.manual_seed(0)
    fan = small(init_from="weights.pth", frozen=frozen)
    holder = nn.Sequential(fan).eval().train()
    before = {name: value.clone() for name, value in fan.state_dict().items()}
    heat = holder(images().requires_grad_())
    heat.sum().backward()
    assert all((p.grad is None) == frozen for p in fan.parameters())
    kept = [torch.equal(value, before[name]) for name, value in fan.state_dict().items()]
    assert all(kept) == frozen
    assert small(init_from="weights.pth", frozen=frozen).training != frozen


def test_random_weights_are_not_frozen() -> None:
    with pytest.raises(ValueError, match="set `init_from` to 2DFAN-4 or a file"):
        small(frozen=True)


@torch.no_grad()
def test_features_are_what_the_heat_maps_are_read_from() -> None:
    fan = FAN(2, features=16, depth=2).eval()
    features, heat = fan.maps(images(32, 2))
    assert features.shape == (2, 16, 8, 8)
    torch.testing.assert_close(fan.get_submodule("l1")(features), heat)
    torch.testing.assert_close(fan(images(32, 2)), heat)


@pytest.mark.parametrize(("pool", "side"), [(True, 16), (False, 32)])
def test_heat_maps_are_a_quarter_of_the_side_or_without_pooling_half(
    *, pool: bool, side: int
) -> None:
    fan = FAN(features=16, depth=2, pool=pool)
    assert fan(images()).shape == (1, 68, side, side)


@pytest.mark.parametrize(
    ("depth", "pool", "multiple"), [(4, True, 64), (3, True, 32), (3, False, 16)]
)
def test_sides_that_do_not_halve_often_enough_are_refused(
    *, depth: int, pool: bool, multiple: int
) -> None:
    fan = FAN(features=16, depth=depth, pool=pool).eval()
    assert fan(images(multiple)).shape[1] == 68
    side = multiple + multiple // 2
    with pytest.raises(ValueError, match=rf"sides that {multiple} divides, got \({side}, {side}\)"):
        fan(images(side))
