from pathlib import Path

import pytest
import torch
from torch import Tensor

from talkface.models import IdentityCodes, IdentityEncoder
from talkface.models.identity import pooled
from talkface.models.weights import WarmStartError

CHANNELS = (4, 6, 8, 10, 12)


def encoder() -> IdentityEncoder:
    torch.manual_seed(0)
    return IdentityEncoder(dim=7, channels=CHANNELS)


def portraits(side: int = 64, count: int = 2) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize("side", [32, 64, 80])
def test_a_portrait_becomes_five_maps_each_half_as_large_as_the_one_before(side: int) -> None:
    codes = encoder()(portraits(side))
    expected = [(2, c, side // 2**i, side // 2**i) for i, c in enumerate(CHANNELS)]
    assert [tuple(m.shape) for m in codes.maps] == expected
    assert codes.code.shape == (2, 7)


def test_the_portrait_itself_goes_along() -> None:
    image = portraits()
    assert torch.equal(encoder()(image).image, image)


def test_portraits_of_a_batch_do_not_see_each_other() -> None:
    network, image = encoder(), portraits()
    both, alone = network(image), network(image[1:])
    torch.testing.assert_close(both.code[1:], alone.code)
    torch.testing.assert_close(both.maps[4][1:], alone.maps[4])


def test_a_change_in_one_corner_stays_there_on_the_large_map_and_reaches_the_code() -> None:
    network, image = encoder(), portraits(count=1)
    other = image.clone()
    other[..., :8, :8] *= -1
    before, after = network(image), network(other)
    change = (after.maps[0] - before.maps[0]).abs().mean(1)[0]
    assert change[:8, :8].mean() > 5 * change[16:, 16:].mean()
    assert not torch.allclose(before.code, after.code)


@pytest.mark.parametrize("side", [40, 63])
def test_sides_that_16_does_not_divide_are_refused(side: int) -> None:
    with pytest.raises(ValueError, match=rf"side that 16 divides, got \(2, 3, {side}, {side}\)"):
        encoder()(portraits(side))


@pytest.mark.parametrize("channels", [(4, 6, 8, 10), (4, 6, 8, 10, 12, 14)])
def test_another_number_of_scales_is_refused(channels: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"has 5 scales, but channels=\[4, 6, 8, 10"):
        IdentityEncoder(channels=channels)


def test_pooled_codes_are_the_code_and_the_mean_of_every_map() -> None:
    maps = tuple(torch.arange(2.0 * c).view(1, c, 1, 2) * torch.ones(1, 1, 3, 1) for c in (1, 2))
    codes = IdentityCodes(torch.tensor([[7.0, 8.0]]), maps, torch.zeros(1, 3, 4, 4))
    assert pooled(codes).tolist() == [[7.0, 8.0, 0.5, 0.5, 2.5]]


def test_pooled_codes_of_the_default_sizes_are_as_wide_as_the_word_classifier_expects() -> None:
    codes = IdentityEncoder()(portraits(16, 1))
    assert pooled(codes).shape == (1, 992)


@pytest.mark.parametrize("prefix", ["encoder.", "identity_encoder.", ""])
def test_it_starts_from_a_checkpoint_of_pre_training_of_a_system_or_of_its_own(
    prefix: str, tmp_path: Path
) -> None:
    trained = encoder()
    weights = {f"{prefix}{name}": value for name, value in trained.state_dict().items()}
    others = {"classifier.weight": torch.zeros(3, 7), "audio_encoder.head.bias": torch.zeros(7)}
    settings = {"identity_encoder": trained, "init_from": tmp_path}
    torch.save({"state_dict": weights | others, "hyper_parameters": settings}, tmp_path / "a.ckpt")
    network = IdentityEncoder(7, CHANNELS, init_from=tmp_path / "a.ckpt")
    report = network.warm_start()
    assert report is not None
    assert torch.equal(network(portraits()).code, trained(portraits()).code)
    assert {*report.loaded} == network.state_dict().keys()
    assert {*report.unused} == others.keys()


def test_an_encoder_of_another_size_is_refused_with_the_size_that_would_fit(tmp_path: Path) -> None:
    torch.save(encoder().state_dict(), tmp_path / "a.ckpt")
    network = IdentityEncoder(8, CHANNELS, init_from=tmp_path / "a.ckpt")
    before = network.stages[0][0].weight.clone()  # type: ignore[index]
    expected = (
        r"2 of 42 .*: head.weight is \(7, 12\) there and \(8, 12\) here; head.bias .*"
        r"Set `dim` to 7 and `channels` to \[4, 6, 8, 10, 12\]"
    )
    with pytest.raises(WarmStartError, match=expected):
        network.warm_start()
    assert torch.equal(network.stages[0][0].weight, before)  # type: ignore[index]


def test_a_file_without_an_identity_encoder_is_refused_and_none_is_not_missed(
    tmp_path: Path,
) -> None:
    torch.save({"generator.constant": torch.zeros(1)}, tmp_path / "a.ckpt")
    with pytest.raises(WarmStartError, match="no identity encoder but generator"):
        IdentityEncoder(7, CHANNELS, init_from=tmp_path / "a.ckpt").warm_start()
    assert encoder().warm_start() is None


@pytest.mark.parametrize("prefix", ["encoder.", "identity_encoder.", ""])
def test_an_encoder_is_as_large_as_the_file_that_it_is_loaded_from(
    prefix: str, tmp_path: Path
) -> None:
    trained = encoder()
    weights = {f"{prefix}{name}": value for name, value in trained.state_dict().items()}
    torch.save({"state_dict": weights, "hyper_parameters": {}}, tmp_path / "a.ckpt")
    network = IdentityEncoder.load(tmp_path / "a.ckpt")
    assert network.channels == CHANNELS
    assert torch.equal(network(portraits()).code, trained(portraits()).code)
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_an_encoder_that_lacks_a_scale_is_not_loaded(tmp_path: Path) -> None:
    weights = encoder().state_dict()
    short = {name: value for name, value in weights.items() if not name.startswith("stages.4")}
    torch.save(short, tmp_path / "a.ckpt")
    with pytest.raises(WarmStartError, match=r"has 5 scales, but channels=\[4, 6, 8, 10\]"):
        IdentityEncoder.load(tmp_path / "a.ckpt")
