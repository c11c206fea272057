"""``diagnose``: a checkpoint and a corpus to findings."""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from talkface.diagnose import gradients, leakage, memory, retrieval, sources
from talkface.diagnose.errors import UnknownDiagnosisError
from talkface.diagnose.finding import Finding
from talkface.diagnose.report import check_place, write
from talkface.diagnose.subject import Settings, Subject

logger = logging.getLogger(__name__)

DIAGNOSES: dict[str, Callable[[Subject], Finding]] = {
    "sources": sources.diagnose,
    "retrieval": retrieval.diagnose,
    "leakage": leakage.diagnose,
    "gradients": gradients.diagnose,
    "memory": memory.diagnose,
}
"""What can be asked, in the order in which it is told."""

DEFAULTS = Settings()


def diagnose(
    checkpoint: Path,
    root: Path,
    output: Path,
    only: Sequence[str] = (),
    settings: Settings = DEFAULTS,
    device: str = "cpu",
) -> dict[str, Finding]:
    """Make diagnoses and write them.

    Args:
        checkpoint: File that ``talkface fit`` wrote.
        root: Folder of a prepared corpus, best the one that was trained on.
        output: Folder of the results.
        only: Names of diagnoses; all if empty.
        settings: How much is looked at.
        device: Where to compute.

    Raises:
        UnknownDiagnosisError: A name is not known.
        CheckpointError: The file is no checkpoint of this system.
        ManifestNotFoundError: There is no such corpus or split.
        ResolutionError: The clips are stored smaller than the model renders.
        PlaceError: The results cannot be written.
    """
    if unknown := [name for name in only if name not in DIAGNOSES]:
        raise UnknownDiagnosisError(unknown, DIAGNOSES)
    check_place(output)
    subject = Subject(checkpoint, root, settings, device)
    findings = {}
    for name, make in DIAGNOSES.items():
        if only and name not in only:
            continue
        start = time.perf_counter()
        findings[name] = finding = make(subject)
        finding.table.details["seconds"] = round(time.perf_counter() - start, 1)
        result = f"not made: {finding.skipped}" if finding.skipped else "made"
        logger.info("%s: %s, %.0f s", name, result, time.perf_counter() - start)
        write(findings, protocol(subject), output)  # at once: the next one may be interrupted
    logger.info("Written to %s", output)
    return findings


def protocol(subject: Subject) -> dict[str, Any]:
    """What was looked at."""
    settings = subject.settings
    return {
        "checkpoint": str(subject.checkpoint),
        "step": subject.model.steps,
        "corpus": subject.root.resolve().name,
        "split": settings.split,
        "clips": min(settings.clips, len(subject.shown)),
        "training clips": settings.train_clips,
        "side": subject.model.resolution,
        "device": str(subject.model.device),
        "seed": settings.seed,
        "±": "half a 95 % confidence interval",
    }
