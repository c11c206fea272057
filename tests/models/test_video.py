import pytest
import torch
from torch import Tensor

from talkface.models import FAN, VideoEncoder
from talkface.models.video import CONTOUR, EYES, LIPS, RegionHead, soft_argmax

MAP = 16
FEATURES = 8


class Pointing(FAN):
    """A trunk whose heat-maps peak at given cells (x, y), whatever it is shown."""

    def __init__(self, cells: Tensor) -> None:
        super().__init__(features=FEATURES, depth=1)
        self.cells = cells
        self.seen = torch.empty(0)

    def maps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        self.seen = x
        heat = torch.zeros(len(x), 68, MAP * MAP)
        heat[:, torch.arange(68), self.cells[:, 1] * MAP + self.cells[:, 0]] = 20.0
        rng = torch.Generator().manual_seed(3)
        features = torch.randn(FEATURES, MAP, MAP, generator=rng)
        return features.expand(len(x), -1, -1, -1), heat.unflatten(2, (MAP, MAP))


def cells() -> Tensor:
    return torch.randint(MAP, (68, 2), generator=torch.Generator().manual_seed(0))


def encoder(cells: Tensor, side: int | None = None) -> VideoEncoder:
    torch.manual_seed(0)
    return VideoEncoder(dim=6, face_dim=4, fan=Pointing(cells), side=side, hidden=10).eval()


def frames(side: int = 64) -> Tensor:
    return torch.rand(2, 3, 3, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize(("row", "column"), [(0, 0), (2, 5), (3, 7)])
def test_a_single_hot_cell_is_found_at_its_centre(row: int, column: int) -> None:
    attention = torch.zeros(1, 1, 4, 8)
    attention[0, 0, row, column] = 1
    expected = torch.tensor([[[(column + 0.5) / 8, (row + 0.5) / 4]]])
    torch.testing.assert_close(soft_argmax(attention), expected)


def test_two_equally_hot_cells_are_found_half_way() -> None:
    attention = torch.zeros(1, 1, 4, 4)
    attention[0, 0, 0, 1] = attention[0, 0, 2, 3] = 0.5
    torch.testing.assert_close(soft_argmax(attention), torch.tensor([[[2.5 / 4, 1.5 / 4]]]))


@torch.no_grad()
@pytest.mark.parametrize("side", [64, 128])
@pytest.mark.parametrize("resized", [None, 32])
def test_landmarks_are_in_pixels_of_the_frames_as_given(side: int, resized: int | None) -> None:
    codes = encoder(cells(), resized)(frames(side))
    expected = (cells() + 0.5) * side / MAP - 0.5
    torch.testing.assert_close(codes.landmarks, expected.expand(2, 3, 68, 2), atol=1e-3, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize(("resized", "side"), [(None, 64), (32, 32), (64, 64)])
def test_the_trunk_sees_pictures_from_0_to_1_of_its_own_side(
    resized: int | None, side: int
) -> None:
    network = encoder(cells(), resized)
    colours = torch.tensor([-1.0, 0.0, 1.0])[:, None, None].expand(2, 3, 3, 64, 64)
    network(colours)
    assert isinstance(network.trunk, Pointing)
    expected = torch.tensor([0.0, 0.5, 1.0])[:, None, None].expand(6, 3, side, side)
    torch.testing.assert_close(network.trunk.seen, expected)


@torch.no_grad()
def test_face_is_eyes_then_contour() -> None:
    codes = encoder(cells())(frames())
    assert codes.lips.shape == (2, 3, 6)
    assert codes.face.shape == (2, 3, 8)
    assert torch.equal(codes.face[..., :4], codes.eyes)
    assert torch.equal(codes.face[..., 4:], codes.contour)
    assert not torch.equal(codes.eyes, codes.contour)


def test_regions_share_all_points_among_them() -> None:
    assert sorted((*LIPS, *EYES, *CONTOUR)) == list(range(68))


@torch.no_grad()
@pytest.mark.parametrize(
    ("point", "region"),
    [
        *((point, "contour") for point in (0, 16, 27, 35)),
        *((point, "eyes") for point in (17, 26, 36, 47)),
        *((point, "lips") for point in (48, 67)),
    ],
)
def test_a_point_that_moves_changes_the_code_of_its_region_only(point: int, region: str) -> None:
    moved = cells()
    moved[point] = (moved[point] + 5) % MAP
    before, after = (encoder(places)(frames()) for places in (cells(), moved))
    for name in ("lips", "eyes", "contour"):
        change = (getattr(after, name) - getattr(before, name)).abs().max()
        assert change > 1e-3 if name == region else change == 0, name


@torch.no_grad()
def test_small_movements_count_as_much_as_features() -> None:
    torch.manual_seed(0)
    head = RegionHead(LIPS, FEATURES, 10, 6)
    places = 0.5 + 1e-3 * torch.randn(40, 68, 2)
    for _ in range(200):
        head(torch.randn(40, 68, FEATURES), places)
    head.eval()
    pooled = torch.randn(40, 68, FEATURES)
    moved = head(pooled, places) - head(pooled, places.roll(1, 0))
    seen = head(pooled, places) - head(pooled.roll(1, 0), places)
    assert moved.std() > 0.5 * seen.std()


@torch.no_grad()
def test_a_lid_counts_as_much_as_the_head_that_carries_it() -> None:
    torch.manual_seed(0)
    head = RegionHead(EYES, FEATURES, 10, 6)

    def places(blink: Tensor, turn: Tensor) -> Tensor:
        points = torch.full((len(blink), 68, 2), 0.5) + 0.05 * turn[:, None, None]
        points[:, 37, 1] += 2e-3 * blink
        return points

    for _ in range(200):
        head(torch.randn(40, 68, FEATURES), places(torch.randn(40), torch.randn(40)))
    head.eval()
    pooled, still = torch.randn(1, 68, FEATURES), torch.zeros(1)
    calm = head(pooled, places(still, still))
    blinks = head(pooled, places(still + 1, still)) - calm
    turns = head(pooled, places(still, still + 1)) - calm
    assert blinks.norm() > 0.2 * turns.norm()


@torch.no_grad()
def test_frames_are_encoded_one_by_one_in_their_order() -> None:
    torch.manual_seed(0)
    network = VideoEncoder(dim=6, face_dim=4, fan=FAN(features=16, depth=2), hidden=10).eval()
    together = network(frames())
    alone = network(frames()[1:, 2:])
    torch.testing.assert_close(together.lips[1:, 2:], alone.lips, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(together.landmarks[1:, 2:], alone.landmarks, atol=1e-3, rtol=0)


def test_known_landmarks_can_teach_the_trunk() -> None:
    torch.manual_seed(0)
    network = VideoEncoder(dim=6, face_dim=4, fan=FAN(features=16, depth=2), hidden=10)
    network(frames()).landmarks.sum().backward()
    for parameter in (*network.trunk.parameters(), network.temperature):
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()
    assert network.trunk.conv1.weight.grad is not None
    assert network.trunk.conv1.weight.grad.any()


def test_a_frozen_trunk_leaves_the_heads_to_be_trained() -> None:
    torch.manual_seed(0)
    trunk = FAN(features=16, depth=2, init_from="weights.pth", frozen=True)
    network = VideoEncoder(dim=6, face_dim=4, fan=trunk, hidden=10, side=32).train()
    before = {name: value.clone() for name, value in trunk.state_dict().items()}
    codes = network(frames())
    (codes.lips.square().sum() + codes.face.square().sum()).backward()
    learned = {
        name.partition(".")[0] for name, p in network.named_parameters() if p.grad is not None
    }
    assert learned == {"temperature", "lips", "eyes", "contour"}
    assert all(torch.equal(value, before[name]) for name, value in trunk.state_dict().items())
    assert network.lips.standard.batches == 1


@pytest.mark.filterwarnings("error")
def test_without_a_face_feature_there_are_lips_and_landmarks_only() -> None:
    torch.manual_seed(0)
    network = VideoEncoder(dim=6, face_dim=0, fan=Pointing(cells()), hidden=10)
    codes = network(frames())
    assert codes.face.shape == codes.eyes.shape == codes.contour.shape == (2, 3, 0)
    assert codes.lips.shape == (2, 3, 6)
    assert codes.landmarks.shape == (2, 3, 68, 2)
    assert not any(name.startswith(("eyes", "contour")) for name in network.state_dict())
