"""Prepare a raw corpus: ``python -m data_prep CORPUS --source RAW --output PREPARED``."""

import argparse
import logging
import sys
from collections.abc import Sequence

from data_prep.build import ClipJob, build
from data_prep.corpora import (
    CorpusError,
    CremadCorpus,
    FolderPortraits,
    GridCorpus,
    LrwCorpus,
    RawCorpus,
    RawPortraits,
    RecordPortraits,
)
from data_prep.engines import Engine, LocalEngine
from data_prep.jitter import measure_jitter
from data_prep.options import PORTRAITS, parser
from data_prep.pack import pack
from data_prep.people import PersonJob, build_portraits
from data_prep.puppets import FaceSettings, PuppetSettings, SpeechEngineError
from data_prep.quality import assess
from data_prep.ray_engine import RayEngine
from data_prep.rendered import render_faces, render_puppets
from data_prep.rules import Rules
from data_prep.run import SKIPPED, Summary
from data_prep.splits import Holdout, People, Speakers, SplitBySpeaker
from data_prep.subset import Subset, parse_words
from data_prep.verify import forget, tell, verify
from data_prep.windows import WordWindows
from talkface.faces import LandmarkModelError

LISTED = 20
"""Skipped clips named at the end; all are in the file."""

INTERRUPTED = 130

logger = logging.getLogger("data_prep")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one preparation.

    Returns:
        The exit status: 0 when something is prepared, or sound; 1 when nothing is, something is
        broken or the run failed; 130 when it was interrupted.
    """
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    options = parser(__doc__).parse_args(arguments)
    try:
        if options.corpus == "shards":
            return pack(options)
        if options.corpus == "quality":
            return assess(options)
        if (options.verify or options.repair) and not _verified(options):
            return 1
        return 0 if options.verify else _report(_run(options), options)
    except (LandmarkModelError, SpeechEngineError, ValueError, OSError) as error:
        logger.error("%s", error)  # noqa: TRY400 - the message says it all
        return 1
    except KeyboardInterrupt:
        logger.error("Interrupted. Run the same command again to go on.")  # noqa: TRY400
        return INTERRUPTED


def _verified(options: argparse.Namespace) -> bool:
    """Whether the output is sound, or may be made so."""
    findings = verify(options.output, _engine(options))
    tell(findings)
    if options.verify:
        return findings.sound
    forget(options.output, list(findings.broken))
    return True


def _engine(options: argparse.Namespace) -> Engine:
    if options.engine == "ray":
        return RayEngine(options.address, options.gpus_per_worker)
    if options.address or options.gpus_per_worker:
        raise CorpusError("`--address` and `--gpus-per-worker` need `--engine ray`.")
    return LocalEngine(options.workers)


def _device(options: argparse.Namespace) -> str:
    return "cuda" if options.gpus_per_worker else "cpu"


def _run(options: argparse.Namespace) -> Summary:
    if options.corpus in PORTRAITS:
        return _run_portraits(options)
    shared = (options.output, options.side, options.landmarks, options.task)
    rules, device, timeout = Rules.of(options), _device(options), options.clip_timeout
    search = options.search_every
    job = ClipJob(_clips(options), *shared, rules, search, device=device, timeout=timeout)
    official = options.corpus != "grid"
    holdout = Holdout() if official else Holdout(options.val, options.test, options.seed)
    return build(job, holdout, limit=options.limit, engine=_engine(options))


def _clips(options: argparse.Namespace) -> RawCorpus:
    if options.corpus == "puppets":
        return _puppets(options)
    words, speakers = parse_words(options.words), options.speakers
    if options.corpus == "grid":
        return Subset(_grid(options), words, speakers)
    if options.corpus == "lrw":
        return Subset(LrwCorpus(options.source), words, speakers)
    held_out = Speakers(options.val, options.test, options.seed)
    return SplitBySpeaker(Subset(CremadCorpus(options.source), words, speakers), held_out)


def _grid(options: argparse.Namespace) -> RawCorpus:
    sentences = GridCorpus(options.source, options.align)
    if options.windows == "sentences":
        return sentences
    return WordWindows(sentences, Holdout(options.val, options.test, options.seed))


def _puppets(options: argparse.Namespace) -> RawCorpus:
    settings = PuppetSettings(
        identities=options.identities,
        val_identities=options.val_identities,
        test_identities=options.test_identities,
        clips_per_identity=options.clips_per_identity,
        side=options.raw_side,
        seed=options.seed,
        workers=options.workers,
        layout=options.layout,
    )
    return render_puppets(options.output, settings)


def _run_portraits(options: argparse.Namespace) -> Summary:
    corpus, landmarks, least, held_out = _portraits(options)
    job = PersonJob(
        *(corpus, options.output, options.side, landmarks, options.task, least),
        device=_device(options),
    )
    return build_portraits(job, held_out, limit=options.limit, engine=_engine(options))


def _portraits(options: argparse.Namespace) -> tuple[RawPortraits, str, int, People]:
    """The corpus, the source of landmarks, the least pictures of a person, and the split."""
    if options.corpus == "puppet-faces":
        held_out = People(options.unseen_identities, options.val, options.seed)
        settings = FaceSettings(
            identities=options.identities,
            unseen_identities=options.unseen_identities,
            pictures=options.pictures,
            unseen_pictures=options.unseen_pictures,
            side=FaceSettings.side_for(options.side),
            seed=options.seed,
        )
        corpus = render_faces(options.output, settings, held_out, options.workers)
        return corpus, options.landmarks, options.val + 1, held_out
    held_out = People(options.unseen, options.val, options.seed)
    if RecordPortraits.fits(options.source):
        records = RecordPortraits(options.source)
        return records, options.landmarks or "insightface", options.least, held_out
    folders = FolderPortraits(options.source)
    return folders, options.landmarks or "face-alignment", options.least, held_out


def _report(summary: Summary, options: argparse.Namespace) -> int:
    """Say what was done; a failure when nothing was."""
    for name, reason in list(summary.skipped.items())[:LISTED]:
        logger.warning("skipped %s: %s", name, reason)
    if len(summary.skipped) > LISTED:
        logger.warning("... and %d more", len(summary.skipped) - LISTED)
    units = "people" if options.corpus in PORTRAITS else "clips"
    counts = (summary.prepared, units, summary.kept, len(summary.skipped), options.output / SKIPPED)
    logger.info("%d %s prepared, %d kept from before, %d skipped (reasons in %s)", *counts)
    if summary.prepared + summary.kept == 0:
        logger.error("No %s could be prepared.", "person" if units == "people" else "clip")
        return 1
    jitter = None if units == "people" else measure_jitter(options.output, options.side)
    if jitter is not None:
        logger.info("%s", jitter)
    return 0


if __name__ == "__main__":
    sys.exit(main())
