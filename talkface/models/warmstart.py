"""Networks that start from weights made before, and tell what they took."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from torch import Tensor, nn

from talkface.models.weights import WarmStartError

SHOWN = 4
"""Names or differences quoted in a message."""

COUNTER = "num_batches_tracked"
"""Buffer of batch normalisation that computes nothing; files from before torch 0.4.1 lack it."""


class Report(NamedTuple):
    """What a network took from a file.

    Attributes:
        network: Class of the network.
        source: File that the weights come from.
        loaded: Names of ours that now hold what the file holds.
        left: Names of ours for which the file has nothing, and why.
        unused: Names of the file that nothing of ours takes.
        note: What else is to be known.
    """

    network: str
    source: str
    loaded: tuple[str, ...]
    left: Mapping[str, str]
    unused: tuple[str, ...]
    note: str = ""

    def __str__(self) -> str:
        """One paragraph for a log."""
        count = len(self.loaded) + len(self.left)
        parts = [
            f"{self.network} starts from {self.source}: "
            f"{len(self.loaded)} of {count} tensors are loaded."
        ]
        for reason, names in _grouped(self.left).items():
            parts.append(f"Not loaded: {_short(names)}: {reason}.")
        if self.unused:
            parts.append(f"Not used of the file: {_short(self.unused)}.")
        return " ".join([*parts, self.note] if self.note else parts)


@runtime_checkable
class WarmStart(Protocol):
    """A network that can start from weights made before."""

    def warm_start(self) -> Report | None:
        """Load what ``init_from`` names; None if it names nothing."""


def start_warm(module: nn.Module) -> list[Report]:
    """Let every network inside ``module`` load the weights that it was told to start from.

    Constructors only remember the file, so that a model is rebuilt from a checkpoint without it.

    Raises:
        WarmStartError: A file is missing, or does not fit.
    """
    reports = [part.warm_start() for part in module.modules() if isinstance(part, WarmStart)]
    return [report for report in reports if report is not None]


def load_all(
    network: nn.Module, weights: Mapping[str, Tensor], file: Path, advice: str, prefix: str = ""
) -> Report:
    """Load every tensor of a network, or none.

    Args:
        network: What is to be loaded.
        weights: Tensors of the file by name.
        file: Where they come from, for messages.
        advice: What to do where they do not fit.
        prefix: What names of the file begin with where ours begin.

    Raises:
        WarmStartError: A tensor is missing or has another shape.
    """
    own = network.state_dict()
    differences = [
        difference
        for name, value in own.items()
        if name.rpartition(".")[2] != COUNTER
        and (difference := shape_difference(prefix + name, weights.get(prefix + name), value))
    ]
    if differences:
        found = (
            f"{len(differences)} of {len(own)} tensors do not fit: {'; '.join(differences[:SHOWN])}"
        )
        raise WarmStartError(file, found + ("; …" if len(differences) > SHOWN else ""), advice)
    taken = {name: weights[prefix + name] for name in own if prefix + name in weights}
    network.load_state_dict({**own, **taken})
    used = {prefix + name for name in taken}
    return Report(
        type(network).__name__,
        str(file),
        tuple(taken),
        {name: "counts batches, which older files do not" for name in own if name not in taken},
        tuple(name for name in weights if name not in used),
    )


def shape_difference(name: str, theirs: Tensor | None, ours: Tensor) -> str:
    """How a tensor of a file differs in shape from ours of that name; empty if it does not."""
    if theirs is None:
        return f"{name} is missing there"
    if theirs.shape != ours.shape:
        return f"{name} is {tuple(theirs.shape)} there and {tuple(ours.shape)} here"
    return ""


def _grouped(reasons: Mapping[str, str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        groups.setdefault(reason, []).append(name)
    return groups


def _short(names: Iterable[str]) -> str:
    """Names by the part of the network that they belong to, with how many each has."""
    counts = Counter(_part(name) for name in names)
    shown = [f"{part} ({count})" for part, count in list(counts.items())[:SHOWN]]
    return ", ".join(shown) + (", …" if len(counts) > SHOWN else "")


def _part(name: str) -> str:
    """What a name begins with, with its number if it is one of a list."""
    first, _, rest = name.partition(".")
    number = rest.partition(".")[0]
    return f"{first}.{number}" if number.isdecimal() else first
