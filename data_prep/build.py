"""A raw corpus of clips to a prepared one."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from data_prep.clip import prepare_clip
from data_prep.corpora.raw import RawClip, RawCorpus
from data_prep.engines import Engine, LocalEngine
from data_prep.faces import SEARCH_EVERY, LandmarkSource, landmark_source
from data_prep.job import Job, Outcome
from data_prep.parts import PreparedParts, stored_names, write_names
from data_prep.rules import USUAL, Rules
from data_prep.run import LEFT_OUT, Summary, claimed, limited, run, write_skipped
from data_prep.splits import Holdout, assign_splits
from talkface.data.layout import (
    ClipRecord,
    Corpus,
    LayoutError,
    read_checksums,
    read_record,
    write_clip,
    write_corpus,
    write_record,
)


@dataclass(frozen=True)
class ClipJob(Job[RawClip, PreparedParts]):
    """Prepares clips, whose ``split`` is known.

    Attributes:
        rules: Which faces and frames are used.
        search_every: One frame in so many is searched for faces in any case, 1 searches all; by
            default as ``SEARCH_EVERY`` says.
    """

    corpus: RawCorpus
    rules: Rules = USUAL
    search_every: int | None = None

    counted = ("clip", "frames")

    @property
    def settings(self) -> dict[str, Any]:
        """Those of all jobs, the rules that are not as usual, and whether frames are left out."""
        sparse = {} if self._every == 1 else {"search_every": self._every}
        return {**super().settings, **self.rules.changed, **sparse}

    @property
    def _every(self) -> int:
        return self.search_every or SEARCH_EVERY.get(self.landmarks, 1)

    def source(self) -> LandmarkSource:
        """A detector, or the files beside the videos."""
        return landmark_source(self.landmarks, self.task, self.device, self._every)

    def is_complete(self, unit: RawClip) -> bool:
        """Whether everything of the clip is stored; a name that cannot be stored is not."""
        try:
            return bool(stored_names(self.output, unit.id))
        except (LayoutError, OSError):
            return False

    def prepare(self, unit: RawClip, source: LandmarkSource) -> PreparedParts:
        """Decode, align, crop; errors as ``prepare_clip``."""
        parts = prepare_clip(self.corpus, unit, source, side=self.side, rules=self.rules)
        return PreparedParts(unit.id, parts)

    def store(self, made: PreparedParts) -> Outcome:
        """Write the clip, or its parts."""
        for part in made.parts:
            write_clip(self.output, part)
        names = [part.record.id for part in made.parts]
        if names != [made.clip]:
            write_names(self.output, made.clip, names)
        return Outcome(made.clip, pictures=sum(part.record.frames for part in made.parts))


def build(
    job: ClipJob,
    holdout: Holdout,
    *,
    workers: int = 2,
    limit: int | None = None,
    engine: Engine | None = None,
) -> Summary:
    """Prepare the corpus of ``job``, going on where an earlier run stopped.

    Args:
        job: What to prepare, whereto, and how.
        holdout: The split, where the corpus has no official one.
        workers: Processes of this machine; 0 works in this one.
        limit: Take so many clips, spread over the corpus, or all.
        engine: Who does the work, instead of processes of this machine.

    Raises:
        CorpusError: Nothing to prepare, or the output belongs to other settings.
        LandmarkModelError: The landmark networks cannot be loaded.
        OSError: The output cannot be written.
    """
    listed = limited(job.corpus.clips(), limit)
    splits = assign_splits(listed, holdout)
    clips = [dataclasses.replace(clip, split=splits[clip.id]) for clip in listed]
    with claimed(job) as held:
        summary = run(job, clips, engine or LocalEngine(workers), held)
        _finish(job, clips, summary)
    return summary


def _finish(job: ClipJob, clips: Sequence[RawClip], summary: Summary) -> None:
    """Write what was skipped, the manifests, and last the corpus."""
    write_skipped(job.output, summary.skipped)
    records: list[ClipRecord] = []
    for clip in clips:
        if clip.id not in summary.skipped:
            records += [_record(job, clip, name) for name in stored_names(job.output, clip.id)]
    if not records:
        return
    words = tuple(sorted({span.word for record in records for span in record.words}))
    write_corpus(job.output, Corpus(job.corpus.name, job.side, words), records)
    (job.output / LEFT_OUT).unlink(missing_ok=True)


def _record(job: ClipJob, clip: RawClip, name: str) -> ClipRecord:
    """The stored record, put right if the clip was of another split in an earlier run."""
    stored = read_record(job.output, name)
    record = dataclasses.replace(stored, split=clip.split or stored.split)
    if record != stored:
        write_record(job.output, record, read_checksums(job.output, name))
    return record
