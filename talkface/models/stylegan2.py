"""Public StyleGAN2 checkpoints as a start for the generator.

Karras et al. 2020, https://arxiv.org/abs/1912.04958, under the names of
https://github.com/rosinality/stylegan2-pytorch, to which most published checkpoints are converted.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from talkface.models.warmstart import SHOWN, Report, shape_difference
from talkface.models.weights import WarmStartError, named_tensors, read_checkpoint
from talkface.ops import bias_act

SAMPLES = 4096
"""Latents whose mean is taken where a file does not hold the mean latent."""

MAPPING_RATE = 0.01
"""Learning rate of the mapping network beside the others; scales its weights when they are used."""

SLOPE = 0.2
"""Slope of the activation below zero."""

RGB = 3

LAYER = {
    ".weight": "conv.weight",
    ".affine.bias": "conv.modulation.bias",
    "_activation.strength": "noise.weight",
    "_activation.bias": "activate.bias",
}
"""Our name of what a convolution of features has, and theirs."""

PAINT = {
    "paint.weight": "conv.weight",
    "paint.affine.bias": "conv.modulation.bias",
    "paint_bias": "bias",
}
"""Our name of what a convolution to colours has, and theirs."""

Weights = Mapping[str, Tensor]


def load_stylegan2(generator: nn.Module, file: Path) -> Report:
    r"""Start a generator from a StyleGAN2 that was trained on faces.

    Levels are taken from 4x4 up to the first that differs: a level is of use only above those that
    it was trained with. Of a modulation $A w + b$ only the value at the mean latent is taken, as
    our bias, since a style holds features here and no latent: a style of zeros asks for the mean
    face. What StyleGAN2 lacks starts by passing its input through, so that nothing random stands
    between layers that were trained together: the first of our two convolutions of 4x4, and the
    merges, whose splices start at zero (as the convolutions of Zhang et al. 2023, sec. 3.1,
    https://arxiv.org/abs/2302.05543). A generator that paints changes of the portrait still starts
    with none.

    Args:
        generator: A ``talkface.models.Generator``.
        file: Checkpoint with ``g_ema`` or ``g``, or a state dict of such names.

    Raises:
        WarmStartError: The file holds no such network, or not even its level of 4x4 fits.
    """
    theirs, latent = _read(file)
    own = generator.state_dict()
    taken: dict[str, str] = {}
    values: dict[str, Tensor] = {}
    misfit = ""
    for level in range(len({name.split(".")[1] for name in own if name.startswith("levels.")})):
        names = _names(level, own, theirs)
        found = {ours: _value(theirs, name, latent) for ours, name in names.items()}
        differences = (shape_difference(names[ours], found[ours], own[ours]) for ours in names)
        misfit = next(filter(None, differences), "")
        if misfit:
            break
        taken |= names
        values |= _passing(level, own) | {k: v for k, v in found.items() if v is not None}
    if not taken:
        advice = "Set `base` and `limit` of the generator: 32768 and 512 are those of config-f."
        raise WarmStartError(file, misfit, advice)
    generator.load_state_dict({**own, **values})
    left = {name: _reason(name, misfit, values) for name in own if name not in taken}
    used = {*taken.values(), *(_slope(name) for name in taken.values())}
    unused = tuple(name for name in theirs if name not in used)
    return Report(type(generator).__name__, str(file), tuple(taken), left, unused)


def _read(file: Path) -> tuple[dict[str, Tensor], Float[Tensor, " w"]]:
    """Tensors of a StyleGAN2 by name, and its mean latent."""
    content = read_checkpoint(file)
    theirs = named_tensors(content, "g_ema", "g")
    missing = {"input.input", "conv1.conv.modulation.weight", "style.1.weight"} - theirs.keys()
    if missing:
        holds = ", ".join(list(theirs)[:SHOWN]) or "no tensors"
        raise WarmStartError(
            file,
            f"it holds {holds} but no {', '.join(sorted(missing))}",
            "Give a StyleGAN2 under the names of rosinality/stylegan2-pytorch.",
        )
    return theirs, _mean_latent(content, theirs)


def _mean_latent(content: Mapping[str, Any], theirs: Weights) -> Float[Tensor, " w"]:
    """Mean of the latents w: as stored, or that of a sample."""
    width = theirs["conv1.conv.modulation.weight"].shape[1]
    if isinstance(stored := content.get("latent_avg"), Tensor):
        return stored.float().reshape(-1, width).mean(0)
    x = torch.randn(SAMPLES, width, generator=torch.Generator().manual_seed(0))
    x = x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)
    layers = sum(name.startswith("style.") and name.endswith(".weight") for name in theirs)
    for layer in range(1, layers + 1):
        weight, bias = (theirs[f"style.{layer}.{part}"].float() for part in ("weight", "bias"))
        scale = MAPPING_RATE / math.sqrt(weight.shape[1])
        x = bias_act(F.linear(x, weight * scale), bias * MAPPING_RATE, SLOPE)
    return x.mean(0)


def _names(level: int, own: Weights, theirs: Weights) -> dict[str, str]:
    """Our names of a level and theirs; without noise images where the file has none."""
    start = f"levels.{level}."
    names = {} if level else {"constant": "input.input"}
    for place, number in (("first", 2 * level - 1), ("second", 2 * level)):
        if number < 0:
            continue  # their 4x4 has one convolution
        layer = f"convs.{number - 1}" if number else "conv1"
        names |= {f"{start}{place}{ours}": f"{layer}.{name}" for ours, name in LAYER.items()}
        if f"noises.noise_{number}" in theirs:
            names[f"{start}{place}_activation.fixed"] = f"noises.noise_{number}"
    if len(own[f"{start}paint.weight"]) == RGB:
        paint = f"to_rgbs.{level - 1}" if level else "to_rgb1"
        names |= {f"{start}{ours}": f"{paint}.{name}" for ours, name in PAINT.items()}
    return names


def _value(theirs: Weights, name: str, latent: Float[Tensor, " w"]) -> Tensor | None:
    """A tensor of the file as ours is laid out and meant; None if it is not there."""
    if name not in theirs:
        return None
    value = theirs[name].float()
    if name == "input.input":  # passes our first activation before it reaches their first layer
        return torch.where(value < 0, value / SLOPE, value) / math.sqrt(2)
    if name.endswith("modulation.bias"):
        weight = theirs[_slope(name)].float()
        return value + weight @ latent / math.sqrt(len(latent))
    if name.endswith("conv.weight"):
        return value[0]
    if name.startswith("to_rgb"):
        return value.flatten()
    return value.reshape(()) if name.endswith("noise.weight") else value


def _slope(name: str) -> str:
    """The A that goes with the b of a modulation A w + b; any other name as it is."""
    return name.replace("modulation.bias", "modulation.weight")


def _passing(level: int, own: Weights) -> dict[str, Tensor]:
    """What makes the layers of a level that StyleGAN2 lacks pass their input through."""
    start = f"levels.{level}."
    values = {}
    if (merge := own.get(f"{start}merge.weight")) is not None:
        values[f"{start}merge.weight"] = _copying(merge) * math.sqrt(2)  # what the splice halves
        values[f"{start}splice.weight"] = torch.zeros_like(own[f"{start}splice.weight"])
    if level == 0:
        values[f"{start}first.weight"] = _copying(own[f"{start}first.weight"])
        for name in (f"{start}first_activation.strength", f"{start}first_activation.bias"):
            values[name] = torch.zeros_like(own[name])
    return values


def _copying(weight: Float[Tensor, "o i k k"]) -> Float[Tensor, "o i k k"]:
    """Weight of an equalised convolution that copies its input."""
    copy: Tensor = nn.init.dirac_(torch.empty_like(weight))
    return copy * math.sqrt(weight[0].numel())


def _reason(name: str, misfit: str, values: Weights) -> str:
    """Why a tensor of ours is not taken from the file."""
    if name in values:
        return "passes its input through at first, as StyleGAN2 has no such layer"
    part = ".".join(name.split(".")[:2])
    if part.startswith("levels.") and f"{part}.second.weight" not in values:
        return f"this level and those above are of another size ({misfit})"
    if name.endswith(".affine.weight"):
        return "reads features here and a latent there"
    if ".paint" in name:
        return "paints changes of the portrait, which start at zero"
    return "StyleGAN2 has nothing like it"
