import pytest
import torch
from torch.nn import functional as F

from talkface.metrics.canny import HIGH, LOW, edge_blocks, ridges, smooth, sobel


@pytest.mark.parametrize("roughness", [0.02, 0.1, 1.0, 30.0])
def test_blocks_are_those_of_scikit_image(roughness: float) -> None:
    canny = pytest.importorskip("skimage.feature").canny
    noise = torch.randn(4, 1, 90, 128, generator=torch.Generator().manual_seed(0))
    noise = F.avg_pool2d(F.pad(noise, (4,) * 4, mode="reflect"), 9, stride=1)[:, 0]
    grey = 128 + roughness * noise * torch.linspace(0, 1, 128)
    edges = torch.stack([torch.from_numpy(canny(image.double().numpy())) for image in grey])
    share = F.avg_pool2d(edges.float()[:, None], 32)[:, 0]
    for threshold in (0.002, 0.02, 0.1):
        assert torch.equal(edge_blocks(grey, 32, threshold), share > threshold)


def test_a_weak_edge_counts_only_where_it_leads_to_a_strong_one() -> None:
    grey = torch.zeros(2, 64, 64)
    grey[0, :, 32:] = 0.06  # an edge between the two thresholds
    grey[1, :, 32:] = torch.linspace(0.08, 0.05, 64)[:, None]  # one fifth of it above the higher
    strength = torch.stack(sobel(smooth(grey))).square().sum(0).sqrt()
    assert LOW < strength[0].max() < HIGH
    assert edge_blocks(grey, 64, 0.01).flatten().tolist() == [False, True]


def test_a_flat_picture_has_no_edges() -> None:
    assert not edge_blocks(torch.full((1, 64, 64), 200.0), 64, 0.0).any()


def test_ridges_run_along_the_middle_of_an_edge() -> None:
    grey = torch.zeros(1, 16, 16)
    grey[:, :, 8:] = 100
    grey[:, :, 7] = 50
    down, right = sobel(smooth(grey))
    strength = (down.square() + right.square()).sqrt()
    found = ridges(down, right, strength) & (strength > 1)
    assert found[0, 8].nonzero().flatten().tolist() == [7]
