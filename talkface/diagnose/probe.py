"""A linear probe: can a word be told from features by a weighted sum?"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn import functional as F

from talkface.metrics.intervals import bootstrap_margin
from talkface.metrics.table import Cell

FOLDS = 5
"""Every utterance is tested once, by a probe that never saw it."""

PENALTIES = (1e-2, 1e-1, 1.0)
"""Factors of the squared weights, one of which is chosen on a fifth of the probe's own clips."""

STEPS = 40


class Probed(NamedTuple):
    """Which examples the probe named rightly, and the word that it would guess blindly.

    Attributes:
        hits: By example.
        guessed: Whether the most frequent word of the probe's own clips was right.
    """

    hits: Bool[Tensor, " n"]
    guessed: Bool[Tensor, " n"]


def probe(
    features: Float[Tensor, "n t d"],
    labels: Int64[Tensor, " n"],
    utterances: Sequence[str],
    seed: int = 0,
) -> Probed:
    """Name the word of every example, by logistic regression on the examples of other utterances.

    Features are turned into their mean over the run and what is left of every frame, which keeps
    all there is and brings out what moves, and standardised. Utterances are shared out among
    ``FOLDS`` parts.

    Args:
        features: A run of frames of every example.
        labels: Its word.
        utterances: The clip that it is from.
        seed: Start of the sharing out.
    """
    inputs = changes(features)
    folds = folded(utterances, FOLDS, seed)
    hits, guessed = (torch.zeros(len(labels), dtype=torch.bool) for _ in range(2))
    for fold in range(FOLDS):
        test, own = folds == fold, folds != fold
        if not test.any() or not own.any():
            continue
        inner = folds == (fold + 1) % FOLDS
        penalty = chosen(inputs, labels, own & ~inner, own & inner)
        named = fit(inputs[own], labels[own], inputs[test], penalty)
        hits[test] = named == labels[test]
        guessed[test] = labels[own].mode().values == labels[test]
    return Probed(hits, guessed)


def changes(features: Float[Tensor, "n t d"]) -> Float[Tensor, "n e"]:
    """Mean over the run, and every frame without it."""
    mean = features.float().mean(1, keepdim=True)
    return torch.cat([mean, features.float() - mean], dim=1).flatten(1)


def folded(utterances: Sequence[str], folds: int, seed: int) -> Int64[Tensor, " n"]:
    """The part that every example belongs to; those of one utterance belong together."""
    names = sorted(set(utterances))
    order = torch.randperm(len(names), generator=torch.Generator().manual_seed(seed)).tolist()
    part = {name: place % folds for name, place in zip(names, order, strict=True)}
    return torch.tensor([part[name] for name in utterances])


def chosen(
    inputs: Float[Tensor, "n e"],
    labels: Int64[Tensor, " n"],
    own: Bool[Tensor, " n"],
    held: Bool[Tensor, " n"],
) -> float:
    """The penalty that names most words of the examples that are held back."""
    if not own.any() or not held.any():
        return PENALTIES[-1]
    right = [
        int((fit(inputs[own], labels[own], inputs[held], p) == labels[held]).sum())
        for p in PENALTIES
    ]
    return PENALTIES[right.index(max(right))]


def fit(
    own: Float[Tensor, "n e"],
    labels: Int64[Tensor, " n"],
    asked: Float[Tensor, "m e"],
    penalty: float,
) -> Int64[Tensor, " m"]:
    """Words that multinomial logistic regression, fitted on ``own``, gives to ``asked``.

    The best weights are sums of examples, so it is fitted on what examples are to each other,
    which is no wider than there are examples.
    """
    mean, deviation = own.mean(0), own.std(0, correction=0) + 1e-6
    own, asked = ((x - mean) / deviation / own.shape[1] ** 0.5 for x in (own, asked))
    values, vectors = torch.linalg.eigh((own @ own.T).double())
    kept = values > 1e-8 * values.max()
    basis = (vectors[:, kept] / values[kept].sqrt()).float()
    seen, shown = own @ (own.T @ basis), asked @ (own.T @ basis)
    with torch.inference_mode(False), torch.enable_grad():
        weights = _learned(seen.clone(), labels.clone(), penalty)
    known = labels.unique()
    named: Tensor = known[(shown @ weights[:-1] + weights[-1]).argmax(1)]
    return named


def _learned(
    inputs: Float[Tensor, "n r"], labels: Int64[Tensor, " n"], penalty: float
) -> Float[Tensor, "_ classes"]:
    """Weights, the last row being what is added to them, of the words that occur, in order."""
    known, classes = labels.unique(return_inverse=True)
    weights = torch.zeros(inputs.shape[1] + 1, len(known), requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        logits = inputs @ weights[:-1] + weights[-1]
        loss = F.cross_entropy(logits, classes) + penalty * weights[:-1].square().sum() / len(
            inputs
        )
        loss.backward()
        return loss

    optimizer.step(closure)
    return weights.detach()


def accuracy(hits: Bool[Tensor, " n"], utterances: Sequence[str]) -> Cell:
    """Share of hits; its interval is bootstrapped over utterances, whose words belong together."""
    sums: dict[str, list[float]] = {}
    for hit, name in zip(hits.tolist(), utterances, strict=True):
        entry = sums.setdefault(name, [0.0, 0.0])
        entry[0], entry[1] = entry[0] + hit, entry[1] + 1
    margin = bootstrap_margin(torch.tensor(list(sums.values())), lambda s: s[0] / s[1])
    return Cell(float(hits.float().mean()), margin)
