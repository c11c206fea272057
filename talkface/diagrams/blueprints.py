"""How every network is divided into the parts that its figure shows."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from talkface.diagrams.cost import Blueprint, Part, Row
from talkface.diagrams.sizes import Networks
from talkface.diagrams.units import shape
from talkface.models import (
    FAN,
    AudioEncoder,
    Decoder,
    Generator,
    IdentityCodes,
    IdentityEncoder,
    ModalityDiscriminator,
    SequenceDiscriminator,
    UpsamplingDecoder,
    VideoEncoder,
    WordClassifier,
)
from talkface.models.generator import Level
from talkface.models.identity import pooled
from talkface.types import LANDMARKS

RELEASED_SIDE = 256
"""Side of the images that the released FAN takes."""


class Sample(NamedTuple):
    """One frame as the networks of a config see it, on the meta device.

    Attributes:
        image: A frame.
        mfcc: The sound around it.
        identity: What the identity encoder says of it.
        mouth: Its mouth code.
        face: Its face code.
    """

    image: Tensor
    mfcc: Tensor
    identity: IdentityCodes
    mouth: Tensor
    face: Tensor


def blueprints(networks: Networks) -> list[Blueprint]:
    """One for every network that a config has, in the order of data flow."""
    sample = _sample(networks)
    plans = [
        identity_encoder(networks.identity_encoder, sample),
        video_encoder(networks.video_encoder, sample),
        audio_encoder(networks.audio_encoder, sample),
        decoder(networks.generator, sample),
    ]
    if networks.sequence_discriminator:
        plans.append(sequence_discriminator(networks.sequence_discriminator, sample))
    if networks.modality_discriminator:
        plans.append(modality_discriminator(networks.modality_discriminator, sample))
    if networks.word_classifier:
        plans.append(word_classifier(networks.word_classifier, sample))
    return plans


def _sample(networks: Networks) -> Sample:
    side = networks.resolution
    with torch.device("meta"):
        image = torch.zeros(1, 3, side, side)
        audio = networks.audio_encoder
        mfcc = torch.zeros(1, 1, audio.coefficients, audio.steps)
        face = networks.video_encoder(image[:, None]).face[:, 0]
        return Sample(image, mfcc, networks.identity_encoder(image), audio(mfcc)[:, 0], face)


def identity_encoder(network: IdentityEncoder, sample: Sample) -> Blueprint:
    """Five stages and the head."""
    parts = [Part(f"stage {i}", (stage,)) for i, stage in enumerate(network.stages, 1)]
    return Blueprint(
        "IdentityEncoder",
        network,
        f"portrait {_size(sample.image)}",
        "portrait",
        _chain(*parts, Part("code f_i", (network.head,))),
        _calling(network, sample.image),
    )


def fan(network: FAN, side: int) -> Blueprint:
    """Stem and hourglasses, for images of ``side`` pixels."""
    image = torch.zeros(1, 3, side, side, device="meta")
    return Blueprint(
        f"FAN with {network.num_modules} hourglasses",
        network,
        f"image {_size(image)}",
        "image",
        _chain(*_fan_parts(network)),
        _calling(network, image),
    )


def _fan_parts(network: FAN) -> list[Part]:
    parts = [
        Part("convolution, stride 2", (network.conv1, network.bn1)),
        *(Part(f"residual block {i - 1}", (network.get_submodule(f"conv{i}"),)) for i in (2, 3, 4)),
    ]
    for i in range(network.num_modules):

        def some(*names: str, index: int = i) -> tuple[nn.Module, ...]:
            children = dict(network.named_children())
            return tuple(children[f"{n}{index}"] for n in names if f"{n}{index}" in children)

        number = f" {i + 1}" if network.num_modules > 1 else ""
        back = ", fed back" if i < network.num_modules - 1 else ""
        parts += [
            Part(f"hourglass{number}", some("m")),
            Part(f"features{number}", some("top_m_", "conv_last", "bn_end")),
            Part(f"heat-maps{number}{back}", some("bl", "al", "l")),
        ]
    return parts


def video_encoder(network: VideoEncoder, sample: Sample) -> Blueprint:
    """The trunk, what is pooled under its heat-maps, and the heads."""
    pool = Part("pooled under the heat-maps", shape=(LANDMARKS, network.trunk.features), rest=True)
    heads = {
        "lips f_lip": network.lips,
        "eyes, brows": network.eyes,
        "contour, nose": network.contour,
    }
    row = Row(tuple(Part(name, (head,)) for name, head in heads.items() if head is not None))
    seen = (
        f", resized to {network.side}"
        if network.side not in (None, len(sample.image[0, 0]))
        else ""
    )
    return Blueprint(
        "VideoEncoder",
        network,
        f"frame {_size(sample.image)}{seen}",
        "frame",
        (*_chain(*_fan_parts(network.trunk), pool), row),
        _calling(network, sample.image[:, None]),
    )


def audio_encoder(network: AudioEncoder, sample: Sample) -> Blueprint:
    """Three convolutions and two linear layers."""
    first, second, third, _, hidden, *_, code, standard = network.net
    return Blueprint(
        "AudioEncoder",
        network,
        f"MFCC patch {_size(sample.mfcc[0])}",
        "frame",
        _chain(
            Part("convolution 1", (first,)),
            Part("convolution 2, stride 2", (second,)),
            Part("convolution 3, stride 2", (third,)),
            Part("hidden layer", (hidden,)),
            Part("code f_a", (code, standard)),
        ),
        _calling(network, sample.mfcc),
    )


def decoder(network: Decoder, sample: Sample) -> Blueprint:
    """The generator or the up-sampling decoder.

    Raises:
        TypeError: If it is another decoder.
    """
    where = ""
    if isinstance(network, Generator):
        where, rows = "to every level: ", _generator_rows(network)
    elif isinstance(network, UpsamplingDecoder):
        rows = _upsampling_rows(network)
    else:
        raise TypeError(f"There is no figure of {type(network).__name__}: write one in {__name__}.")
    if network.residual:
        frame = tuple(sample.image.shape[1:])
        rows = (*rows, Row((Part("frame: portrait moved", shape=frame),)))
    return Blueprint(
        type(network).__name__,
        network,
        f"{where}mouth {sample.mouth.shape[1]}, face {sample.face.shape[1]}, change of face",
        "frame",
        rows,
        lambda plan: network(sample.mouth, sample.face, plan),
        lambda: network.plan(sample.identity, sample.face),
    )


def _generator_rows(network: Generator) -> tuple[Row, ...]:
    constant = Part("constant", shape=tuple(network.constant.shape[1:]), rest=True)
    rows = [Row((constant,))]
    levels = cast("Iterable[Level]", network.levels)
    for side, level, style in zip(network.sides, levels, network.styles, strict=True):
        if level.splice is None:
            portrait = Part(f"style for {side}", (style,))
        else:
            portrait = Part(f"style and splice for {side}", (style, level.splice))
        rows.append(Row((Part(f"level {side}", (level,)),), portrait))
    return tuple(rows)


def _upsampling_rows(network: UpsamplingDecoder) -> tuple[Row, ...]:
    rows = [Row((Part("first, transposed", (network.first,)),))]
    for i, (side, block) in enumerate(zip(network.sides, network.blocks, strict=True)):
        if i == network.skip_at:
            rows.append(Row((Part("merge", (network.merge,)),), Part("skip", (network.skip,))))
        rows.append(Row((Part(f"block {side}", (block,)),)))
    return (*rows, Row((Part("paint", (network.paint,)),)))


def sequence_discriminator(network: SequenceDiscriminator, sample: Sample) -> Blueprint:
    """The convolutions of every scale, scales side by side."""
    towers = cast("Iterable[nn.Sequential]", network.scales)
    scales = [[layer for layer in tower if isinstance(layer, nn.Conv2d)] for tower in towers]
    rows = [
        Row(tuple(Part(f"scale {i}, convolution {n}", (c,)) for i, c in enumerate(convs, 1)))
        for n, convs in enumerate(zip(*scales, strict=True), 1)
    ]
    run = sample.image[:, None].expand(-1, network.frames, -1, -1, -1)
    return Blueprint(
        "SequenceDiscriminator",
        network,
        f"{network.frames} frames {_size(sample.image)}; every further scale sees half the side",
        f"run of {network.frames} frames",
        tuple(rows),
        _calling(network, run),
    )


def modality_discriminator(network: ModalityDiscriminator, sample: Sample) -> Blueprint:
    """Two linear layers."""
    hidden, _, logit = network.net
    return Blueprint(
        "ModalityDiscriminator",
        network,
        f"f_a or f_lip, {_size(sample.mouth)}",
        "frame",
        _chain(Part("hidden layer", (hidden,)), Part("sound or lips?", (logit,))),
        _calling(network, sample.mouth),
    )


def word_classifier(network: WordClassifier, sample: Sample) -> Blueprint:
    """One linear layer for every frame, one for all."""
    features = pooled(sample.identity)[:, None].expand(-1, network.frames, -1)
    return Blueprint(
        "WordClassifier",
        network,
        f"identity features of {network.frames} frames, {_size(features)}",
        f"run of {network.frames} frames",
        _chain(Part("every frame", (network.reduce,)), Part("word", (network.name,))),
        _calling(network, features),
    )


def _chain(*parts: Part) -> tuple[Row, ...]:
    return tuple(Row((part,)) for part in parts)


def _calling(network: nn.Module, x: Tensor) -> Callable[[Any], object]:
    return lambda _: network(x)


def _size(x: Tensor) -> str:
    """Shape without the batch, as text."""
    return shape(tuple(x.shape[1:]))
