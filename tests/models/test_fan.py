import pytest
import torch
from torch import Tensor, nn

from talkface.models import FAN


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


@torch.no_grad()
@pytest.mark.parametrize("modules", [1, 2])
def test_it_is_the_fan_of_face_alignment(modules: int) -> None:
    reference = released(modules)
    fan = FAN(modules)
    fan.load_state_dict(reference.state_dict(), strict=True)
    expected = reference(images())[-1]
    found = fan.eval()(images())
    assert expected.std() > 1e-2
    assert (found - expected).abs().max() <= 1e-5


@torch.no_grad()
def test_one_hourglass_is_the_first_of_released_weights_of_more() -> None:
    reference = released(2)
    fan = FAN(1)
    weights = reference.state_dict()
    fan.load_state_dict({name: weights[name] for name in fan.state_dict()}, strict=True)
    first, last = reference(images())
    found = fan.eval()(images())
    assert (found - first).abs().max() <= 1e-5
    assert (found - last).abs().max() > 1e-2


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
