"""The networks of shipped configs, without weights: built on the meta device in no time."""

import functools
from pathlib import Path
from typing import NamedTuple, get_type_hints

import torch
import yaml
from jsonargparse import ArgumentParser, Namespace
from torch import nn

from talkface.cli.configs import find_config
from talkface.cli.experiments import EXPERIMENTS
from talkface.models import (
    AudioEncoder,
    Decoder,
    IdentityEncoder,
    ModalityDiscriminator,
    SequenceDiscriminator,
    VideoEncoder,
    WordClassifier,
)

ADVERSARIES = ("sequence_discriminator", "modality_discriminator", "word_classifier")


class Networks(NamedTuple):
    """The networks of one config, named as in ``TalkFace``."""

    resolution: int
    identity_encoder: IdentityEncoder
    video_encoder: VideoEncoder
    audio_encoder: AudioEncoder
    generator: Decoder
    sequence_discriminator: SequenceDiscriminator | None
    modality_discriminator: ModalityDiscriminator | None
    word_classifier: WordClassifier | None
    mfcc: str = "davs"


def networks_of(*configs: str, adversaries: bool = True) -> Networks:
    """Build the networks of a config and its overlays, in evaluation mode, on the meta device.

    They are parsed by the rules of ``talkface fit``, but nothing of data, trainer or loss is built.

    Args:
        configs: Names of configs, such as ``lrw.yaml``; overlays last.
        adversaries: Build these as well.

    Raises:
        ConfigNotFoundError: If there is no such config.
    """
    parser = _parser()
    settings: Namespace | None = None
    for name in configs:
        tree = yaml.safe_load(Path(find_config(name)).read_text(encoding="utf-8"))
        given = {key: value for key, value in tree["model"].items() if key in Networks._fields}
        given |= {k: v for k, v in tree.get("data", {}).items() if k in Networks._fields}
        settings = parser.parse_object(given, settings)
    if not adversaries:
        settings = parser.parse_object(dict.fromkeys(ADVERSARIES), settings)
    with torch.device("meta"):
        built = parser.instantiate(settings)
    networks = Networks(**{name: built[name] for name in Networks._fields})
    for network in networks:
        if isinstance(network, nn.Module):
            network.eval().requires_grad_(requires_grad=False)
    return networks


@functools.cache
def _parser() -> ArgumentParser:
    parser = ArgumentParser(exit_on_error=False)
    for name, kind in get_type_hints(Networks).items():
        parser.add_argument(f"--{name}", type=kind, default=Networks._field_defaults.get(name))
    for source, target, value in EXPERIMENTS["talkface"].filled:
        parser.link_arguments(source, target, value)
    return parser
