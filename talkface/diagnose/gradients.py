"""How hard every loss term pulls at every network."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, cast

import torch
from torch import Tensor, nn

from talkface.data.augment import augment
from talkface.data.datamodule import MILD, TalkFaceData
from talkface.diagnose.charts import draw_shares
from talkface.diagnose.finding import Finding
from talkface.diagnose.retrieval import mean
from talkface.diagnose.subject import Subject
from talkface.draws import generator
from talkface.metrics.table import Cell, ResultTable
from talkface.render.checkpoint import load_training
from talkface.render.errors import CheckpointError
from talkface.system import TalkFace
from talkface.types import Window

NETWORKS = {
    "E_v": "video_encoder",
    "E_a": "audio_encoder",
    "E_i": "identity_encoder",
    "G": "generator",
}
FRAMES = 20
"""Frames of a window, if the word adversary or the rendering does not want more."""

TOTAL = "total"
QUESTION = "What share of the gradient of every network comes from each loss term?"

Pull = dict[str, dict[str, tuple[float, float]]]
"""Norm of a term's gradient and its cosine with that of the total, by term, then network."""


def diagnose(subject: Subject) -> Finding:
    """Take the gradients of a few training batches, one term at a time."""
    notes = []
    try:
        model, _ = load_training(subject.checkpoint)
    except CheckpointError as error:
        model = subject.model.requires_grad_(True).train()
        notes.append(f"Without the term `vgg`, whose network cannot be had here: {error}")
    model.to(subject.model.device).train()
    finding = measure(model, batches(subject, model))
    finding.table.notes += notes
    subject.model.requires_grad_(False).eval()
    return finding


def batches(subject: Subject, model: TalkFace) -> Iterator[Window]:
    """Training batches as ``fit`` would have them, with mild augmentation of the driving frames."""
    settings, classifier = subject.settings, model.adversaries.word_classifier
    frames = max(FRAMES, model.rendered, 0 if classifier is None else classifier.frames)
    data = TalkFaceData(
        subject.root,
        model.resolution,
        frames,
        settings.batch_size,
        workers=0,
        mfcc=model.mfcc,
        seed=settings.seed,
    )
    data.setup("fit")
    for number, batch in enumerate(data.train_dataloader()):
        if number == settings.batches:
            return
        moved = Window._make(x.to(model.device) if isinstance(x, Tensor) else x for x in batch)
        window = data.on_after_batch_transfer(moved, 0)
        rng = generator(settings.seed, number)
        driving, points = augment(window.frames, window.landmarks, MILD, rng)
        yield window._replace(driving=driving, driving_landmarks=points)


def measure(model: TalkFace, windows: Iterator[Window], seed: int = 0) -> Finding:
    """Norms and cosines, means over batches.

    A share is a term's norm over the sum of the norms of all terms. Terms that are due every so
    many steps are measured in a step in which they are, and in no other.
    """
    step = align(model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pulls, values = zip(*(pull(model, window) for window in windows), strict=True)
    table, networks = ResultTable(), list(NETWORKS)
    terms = [name for name in pulls[0] if name != TOTAL]
    shares: dict[str, list[float]] = {term: [] for term in terms}
    for network in networks:
        whole = [sum(p[term][network][0] for term in terms) for p in pulls]
        for term in terms:
            parts = [p[term][network] for p in pulls]
            cell = over_batches([n / max(w, 1e-30) for (n, _), w in zip(parts, whole, strict=True)])
            shares[term].append(cell.value)
            table.set(term, f"{network} share", cell)
            table.set(term, f"{network} cosine", over_batches([cosine for _, cosine in parts]))
        table.set(TOTAL, f"{network} norm", over_batches([p[TOTAL][network][0] for p in pulls]))
    for term in terms:
        table.set(term, "weighted value", over_batches([v[term] for v in values]))
    table.details["norms"] = {
        term: {n: mean([p[term][n][0] for p in pulls]) for n in networks}
        for term in (*terms, TOTAL)
    }
    table.details |= {"step": step, "batches": len(pulls)}
    table.notes.append(told(model, step, terms))
    return Finding(QUESTION, table, {"gradients": draw_shares(networks, shares)})


def align(model: TalkFace) -> int:
    """Move on to the next step in which every lazy term is due, and say which it is."""
    words = model.terms.words
    every = 1 if words is None else words.every
    model.steps = -(-model.steps // every) * every
    return model.steps


def pull(model: TalkFace, window: Window) -> tuple[Pull, dict[str, float]]:
    """Gradients of every weighted term on its own, and the weighted values.

    Only encoders and generator are asked; the adversaries stand still.
    """
    values: dict[str, Tensor] = {}
    sink = cast(Any, model)
    sink.report = values.update
    try:
        rendering, features, _ = model.imagine(window)
        total = model.generator_loss(rendering, features, window)
    finally:
        with suppress(AttributeError):
            del sink.report
    weights = {name: term.weight for name, term in model.objective.terms.items()}
    losses = {
        name: value * float(cast(Any, weights[name]))
        for key, value in values.items()
        if (name := key.removeprefix("train/")) in weights and value.requires_grad
    }
    goal = gradients(model, total)
    pulls = {
        name: {n: (norm(g), cosine(g, goal[n])) for n, g in gradients(model, loss).items()}
        for name, loss in losses.items()
    }
    pulls[TOTAL] = {network: (norm(g), 1.0) for network, g in goal.items()}
    return pulls, {name: float(loss.detach()) for name, loss in losses.items()}


def gradients(model: TalkFace, loss: Tensor) -> Mapping[str, Tensor]:
    """Gradient of ``loss`` by network, as one long vector."""
    networks: dict[str, nn.Module] = {n: getattr(model, name) for n, name in NETWORKS.items()}
    learning = {n: [p for p in m.parameters() if p.requires_grad] for n, m in networks.items()}
    flat = [p for parameters in learning.values() for p in parameters]
    grads = torch.autograd.grad(loss, flat, retain_graph=True, allow_unused=True)
    parts = [
        (torch.zeros_like(p) if g is None else g).flatten()
        for p, g in zip(flat, grads, strict=True)
    ]
    found, begin = {}, 0
    for network, parameters in learning.items():
        end = begin + len(parameters)
        found[network] = torch.cat([loss.new_zeros(1), *parts[begin:end]])
        begin = end
    return found


def norm(gradient: Tensor) -> float:
    """Euclidean length."""
    return float(gradient.double().norm())


def cosine(gradient: Tensor, goal: Tensor) -> float:
    """Cosine with the gradient of the total; NaN where either is zero."""
    lengths = norm(gradient) * norm(goal)
    return float(gradient.double() @ goal.double()) / lengths if lengths else float("nan")


def over_batches(values: list[float]) -> Cell:
    """The mean over batches, with its interval."""
    return Cell.mean({str(number): value for number, value in enumerate(values)})


def told(model: TalkFace, step: int, terms: list[str]) -> str:
    """What was measured, and what was not."""
    weighted = [n for n, term in model.objective.terms.items() if cast(Any, term).weight > 0]
    missing = [name for name in weighted if name not in terms]
    every = model.terms.words.every if model.terms.words else 1
    lazy = f" `words` plays in one step of {every}." if every > 1 and "words" in terms else ""
    absent = f" Not playing at this step: {', '.join(missing)}." if missing else ""
    return f"As at step {step}.{lazy}{absent} Lengths are before Adam and `model.clip`."
