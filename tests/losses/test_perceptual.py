from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from talkface.losses import Perceptual, Pixel
from talkface.losses.perceptual import FeatureNetworkError, VGG19Features, load_features
from talkface.losses.term import rendered
from talkface.types import Rendering
from tests.losses.test_objective import SIDE, rendering, window


class Tripled(nn.Module):
    """Two levels: three times the picture, and that at half the side."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1, bias=False)
        with torch.no_grad():
            self.conv.weight.copy_(3 * torch.eye(3)[:, :, None, None])

    def forward(self, image: Tensor) -> list[Tensor]:
        x = self.conv(image)
        return [x, F.avg_pool2d(x, 2)]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``Tripled`` as an exported program for any number of pictures."""
    path = tmp_path_factory.mktemp("features") / "tripled.pt2"
    shapes = {"image": {0: torch.export.Dim("n")}}
    example = (torch.zeros(2, 3, SIDE, SIDE),)
    torch.export.save(torch.export.export(Tripled(), example, dynamic_shapes=shapes), path)
    return path


def mouthy() -> Tensor:
    """Landmarks of two runs of three frames: a mouth of one pixel's reach about (2, 6)."""
    points = torch.zeros(2, 3, 68, 2)
    points[..., 48:68, :] = torch.tensor([2.0, 6.0])
    points[..., 48, 0], points[..., 54, 0] = 1.5, 2.5
    return points


def painted(colour: float, at: tuple[slice, slice] | None = None) -> Rendering:
    """Grey frames, of another grey in one place, of which the truth is black."""
    frames = torch.full((2, 3, 3, SIDE, SIDE), -1.0)
    rows, columns = at or (slice(None), slice(None))
    frames[..., rows, columns] = colour
    truth = torch.full_like(frames, -1.0)
    return rendering(frames=frames, target=truth, landmarks=mouthy())


@pytest.mark.parametrize(
    ("layers", "expected"), [((1.0, 0.0), 0.6), ((0.0, 1.0), 0.6), ((0.25, 2.0), 2.25 * 0.6)]
)
def test_levels_are_weighed_and_pictures_go_from_0_to_1(
    network: Path, layers: tuple[float, ...], expected: float
) -> None:
    value = Perceptual(network=network, layers=layers)(painted(-0.6), window())
    assert value.item() == pytest.approx(expected)


def test_levels_are_compared_point_by_point(network: Path) -> None:
    frames = torch.zeros(2, 3, 3, SIDE, SIDE)
    frames[..., 0, 0], frames[..., 0, 1] = 0.4, -0.4
    given = rendering(frames=frames, target=torch.zeros_like(frames))
    fine, coarse = (
        Perceptual(network=network, layers=layers)(given, window()).item()
        for layers in ((1.0, 0.0), (0.0, 1.0))
    )
    assert fine == pytest.approx(2 * 0.6 / SIDE**2)
    assert coarse == pytest.approx(0, abs=1e-7)


def test_the_truth_of_several_drives_is_looked_at_once(network: Path) -> None:
    term = Perceptual(network=network, layers=(1.0, 0.5))
    one, other = painted(-0.6), painted(0.2, (slice(2), slice(3)))
    pairs = zip(rendered(one), rendered(other), strict=True)
    frames, target, landmarks = (torch.cat(pair) for pair in pairs)
    both = rendering(frames=frames, target=target, landmarks=landmarks)
    seen: list[int] = []
    term.features[0].register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    value = term(both, window())
    assert seen == [6, 12]
    apart = [term(each, window()) for each in (one, other)]
    torch.testing.assert_close(value, torch.stack(apart).mean())


@pytest.mark.parametrize("layers", [(1.0, 0.0), (0.0, 1.0)])
def test_an_error_at_the_mouth_weighs_more(network: Path, layers: tuple[float, ...]) -> None:
    at_mouth = painted(0.0, (slice(6, 8), slice(2, 4)))
    elsewhere = painted(0.0, (slice(0, 2), slice(6, 8)))
    plain, weighed = (
        Perceptual(network=network, layers=layers, mouth=mouth) for mouth in (1.0, 9.0)
    )
    assert plain(at_mouth, window()) == pytest.approx(plain(elsewhere, window()).item())
    assert weighed(at_mouth, window()) > 1.2 * plain(at_mouth, window())
    assert weighed(elsewhere, window()) < plain(elsewhere, window())


def test_only_so_many_frames_of_a_run_are_judged(network: Path) -> None:
    frames = torch.full((2, 3, 3, SIDE, SIDE), -1.0)
    frames[:, 1], frames[:, 2] = -0.6, 0.2
    given = rendering(frames=frames, target=torch.full_like(frames, -1.0))
    for count, sums in ((1, {0.0, 0.6, 1.8}), (2, {0.3, 0.9, 1.2}), (None, {0.8})):
        term = Perceptual(network=network, layers=(1.0, 0.0), frames=count)
        torch.manual_seed(0)
        found = {round(term(given, window()).item(), 4) for _ in range(20)}
        assert found == sums


def test_the_gradient_reaches_the_frames_only(network: Path) -> None:
    given = painted(0.0)
    assert given.frames is not None
    assert given.target is not None
    frames, target = given.frames.requires_grad_(), given.target.requires_grad_()
    term = Perceptual(network=network, layers=(1.0, 0.0))
    term(given, window()).backward()
    torch.testing.assert_close(frames.grad, torch.full_like(frames, 1.5 / frames.numel()))
    assert target.grad is None


def test_colours_far_outside_the_range_cannot_pull_the_features_away(network: Path) -> None:
    term = Perceptual(network=network, layers=(1.0, 0.0))
    assert term(painted(99.0), window()) == term(painted(1.5), window())


def test_the_frozen_network_is_in_no_state_and_no_optimizer(network: Path) -> None:
    term = Perceptual(network=network, layers=(1.0, 0.0))
    assert list(term.parameters()) == []
    assert list(term.modules()) == [term]
    assert term.state_dict() == {}
    held = list(term.features[0].parameters())
    assert [p.shape for p in held] == [(3, 3, 1, 1)]
    assert not any(p.requires_grad for p in held)


def test_the_frozen_network_moves_with_its_term(network: Path) -> None:
    holder = nn.ModuleDict({"vgg": Perceptual(network=network, layers=(1.0, 0.0))})
    holder.double()
    term = holder["vgg"]
    assert isinstance(term, Perceptual)
    assert next(term.features[0].parameters()).dtype == torch.float64


def test_a_missing_network_is_named_with_a_next_step(tmp_path: Path) -> None:
    path = tmp_path / "none.pt2"
    with pytest.raises(FeatureNetworkError, match=r"no feature network at .*none\.pt2; give the "):
        load_features(path)


def test_a_file_that_is_no_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.pt2"
    path.write_text("not a program")
    with pytest.raises(FeatureNetworkError, match=r"text\.pt2 is not a torch\.export program"):
        Perceptual(network=path)


def test_vgg_without_a_network_connection_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(weights: object) -> nn.Module:
        raise OSError("no route to host")

    monkeypatch.setattr("torchvision.models.vgg19", offline)
    message = r"no route to host.*vgg19-dcbb9e9d\.pth.*terms\.vgg\.init_args\.network.*null"
    with pytest.raises(FeatureNetworkError, match=message):
        load_features(None)


@torch.no_grad()
def test_vgg_levels_are_the_first_rectified_maps_of_its_five_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vgg = pytest.importorskip("torchvision.models.vgg")
    torch.manual_seed(0)
    layers = vgg.make_layers(vgg.cfgs["E"])
    monkeypatch.setattr(
        "torchvision.models.vgg19", lambda weights: SimpleNamespace(features=layers)
    )
    image = torch.rand(1, 3, 32, 32)
    maps = VGG19Features()(image)
    assert [m.shape[1] for m in maps] == [64, 128, 256, 512, 512]
    assert [m.shape[2] for m in maps] == [32, 16, 8, 4, 2]
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]
    for index, found in zip((0, 5, 10, 19, 28), maps, strict=True):
        expected = layers[: index + 1]((image - mean) / std).relu()
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(("power", "expected"), [(1, 1.5 * 8), (2, 1.5**2 * 8)])
def test_pixel_error_is_the_mean_absolute_difference_or_its_square(
    power: Literal[1, 2], expected: float
) -> None:
    at = (slice(0, 2), slice(0, 4))
    value = Pixel(power=power)(painted(0.5, at), window())
    assert value.item() == pytest.approx(expected / SIDE**2)


@pytest.mark.parametrize("mouth", [1.0, 3.0, 9.0])
def test_the_weight_of_the_mouth_raises_the_share_of_its_errors(mouth: float) -> None:
    centre = painted(0.0, (slice(6, 7), slice(2, 3)))
    far = painted(0.0, (slice(0, 1), slice(7, 8)))
    term = Pixel(mouth=mouth)
    assert term(centre, window()).item() == pytest.approx(mouth * term(far, window()).item())
    assert term(painted(0.0), window()).item() == pytest.approx(1)


def test_pixel_errors_at_unknown_faces_weigh_alike() -> None:
    given = painted(0.0, (slice(6, 7), slice(2, 3)))
    given = given._replace(landmarks=torch.full((2, 3, 68, 2), torch.nan))
    assert Pixel(mouth=9.0, eyes=9.0)(given, window()).item() == pytest.approx(1 / SIDE**2)


@pytest.mark.parametrize("missing", ["frames", "target", "landmarks"])
def test_without_a_rendering_there_is_nothing_to_judge(missing: str) -> None:
    with pytest.raises(ValueError, match="judges rendered frames, but nothing was rendered"):
        Pixel()(rendering(**{missing: None}), window())
