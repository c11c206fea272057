"""The page of ``docs/networks`` and its figures."""

import re
from typing import NamedTuple

import torch

from talkface.diagrams.blueprints import RELEASED_SIDE, blueprints, fan
from talkface.diagrams.cost import Blueprint, Measured, measure
from talkface.diagrams.sizes import networks_of
from talkface.diagrams.svg import draw
from talkface.diagrams.units import operations, parameters
from talkface.models import FAN

SHOWN = "lrw.yaml"
"""The config whose networks are drawn."""

CONFIGS = (SHOWN, "cremad.yaml", "grid.yaml", "demo.yaml")
OTHER_DECODER = "ablations/upsampling_decoder.yaml"
HOURGLASSES = 4
"""Hourglasses of the released FAN."""

ORDER = (
    "IdentityEncoder",
    "VideoEncoder",
    "AudioEncoder",
    "Generator",
    "UpsamplingDecoder",
    "SequenceDiscriminator",
    "ModalityDiscriminator",
    "WordClassifier",
)
RENDERING = ORDER[:4]
"""What a checkpoint needs to render."""

INTRODUCTION = """\
# The networks

Drawn and counted by `make figures` from the networks themselves, at the sizes of the shipped
configs. A multiplication and an addition are two operations (FLOP). Convolutions and matrix
products are counted; normalisation, activation and interpolation are not. The decoders compute
once per portrait what does not depend on the frame."""

SUMS = """\
Together, parameters being those of all four networks: a *portrait* needs the identity encoder, its
face code and what the generator takes once; a frame *from sound* audio encoder and generator, a
frame *from video* video encoder and generator."""

FIGURES = f"""\
Figures at the sizes of `{SHOWN}`. The blue bar of a box is its share of all operations."""


class Drawn(NamedTuple):
    """A network and what it costs."""

    blueprint: Blueprint
    measured: Measured


class Size(NamedTuple):
    """The networks of one config by title, and the side of its images."""

    side: int
    drawn: dict[str, Drawn]


def pages() -> dict[str, str]:
    """Content of every file of the folder by its name."""
    sizes = {config: _size(config) for config in CONFIGS}
    with torch.device("meta"):
        trunk = FAN(HOURGLASSES).eval().requires_grad_(requires_grad=False)
    released = fan(trunk, RELEASED_SIDE)
    shown = [*sizes[SHOWN].drawn.values(), Drawn(released, measure(released))]
    figures = {_file(each): draw(*each) for each in shown}
    page = "\n\n".join([INTRODUCTION, _table(sizes), _sums(sizes), _gallery(shown)])
    return {"networks.md": f"{page}\n", **figures}


def _size(config: str) -> Size:
    """The networks of a config, with the other decoder behind its own."""
    networks = networks_of(config)
    others = networks_of(config, OTHER_DECODER, adversaries=False)
    plans = {plan.title: plan for plan in (*blueprints(others), *blueprints(networks))}
    order = sorted(plans.values(), key=lambda plan: ORDER.index(plan.title))
    return Size(networks.resolution, {plan.title: Drawn(plan, measure(plan)) for plan in order})


def _table(sizes: dict[str, Size]) -> str:
    """Parameters and operations of every network at every size."""
    heads = [f"{config}, {size.side} px" for config, size in sizes.items()]
    lines = [f"| network | per | {' | '.join(heads)} |", "|---|---|" + "--:|" * len(heads)]
    for title, drawn in sizes[SHOWN].drawn.items():
        cells = [_cell(size.drawn.get(title)) for size in sizes.values()]
        lines.append(f"| {title} | {drawn.blueprint.unit} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(drawn: Drawn | None) -> str:
    if drawn is None:
        return "–"
    count, flops, once, _ = drawn.measured
    extra = f" + {operations(once)} per portrait" if once else ""
    return f"{parameters(count)}, {operations(flops)}{extra}"


def _sums(sizes: dict[str, Size]) -> str:
    """What rendering costs with the networks of every config."""
    lines = ["| config | parameters | portrait | frame from sound | frame from video |"]
    lines.append("|---|--:|--:|--:|--:|")
    for config, size in sizes.items():
        used = [size.drawn[title].measured for title in RENDERING]
        identity, video, audio, generator = used
        costs = (
            identity.flops + video.flops + generator.once,
            audio.flops + generator.flops,
            video.flops + generator.flops,
        )
        total = parameters(sum(each.parameters for each in used))
        lines.append(f"| {' | '.join([config, total, *map(operations, costs)])} |")
    return "\n".join([SUMS, "", *lines])


def _gallery(shown: list[Drawn]) -> str:
    lines = [
        f"Figures at the sizes of `{SHOWN}`. The blue bar of a box is its share of all operations."
    ]
    lines += [f"![{each.blueprint.title}]({_file(each)})" for each in shown]
    return "\n\n".join(lines)


def _file(drawn: Drawn) -> str:
    """Name of the figure: that of the class, in the way of file names."""
    kind = type(drawn.blueprint.network).__name__
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).lower() + ".svg"
