import pytest

from talkface.cli.configs import ConfigNotFoundError
from talkface.diagrams.sizes import networks_of
from talkface.models import Generator, UpsamplingDecoder


def test_networks_have_the_sizes_of_the_config() -> None:
    networks = networks_of("demo.yaml")
    assert networks.resolution == networks.generator.resolution == 64
    assert isinstance(networks.generator, Generator)
    assert networks.identity_encoder.channels == (16, 32, 64, 96, 96)
    assert networks.sequence_discriminator is not None
    assert networks.word_classifier is None


def test_an_overlay_exchanges_the_decoder_and_keeps_its_size() -> None:
    networks = networks_of("demo.yaml", "ablations/upsampling_decoder.yaml", adversaries=False)
    decoder = networks.generator
    assert isinstance(decoder, UpsamplingDecoder)
    assert (decoder.resolution, decoder.widths) == (64, [128, 128, 64, 32, 16])
    assert networks.sequence_discriminator is None


def test_networks_have_no_weights_and_are_not_trained() -> None:
    encoder = networks_of("demo.yaml", adversaries=False).audio_encoder
    assert not encoder.training
    assert all(p.is_meta and not p.requires_grad for p in encoder.parameters())


def test_a_config_that_does_not_exist_is_told() -> None:
    with pytest.raises(ConfigNotFoundError, match="demo\\.yaml"):
        networks_of("dmeo.yaml")
