"""A raw corpus of clips to a prepared one."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from data_prep.clip import prepare_clip
from data_prep.corpora.raw import RawClip, RawCorpus
from data_prep.faces import LandmarkSource, landmark_source
from data_prep.job import Job, Outcome
from data_prep.run import LEFT_OUT, Summary, claimed, limited, run, write_skipped
from data_prep.splits import Holdout, assign_splits
from talkface.data.layout import (
    ClipRecord,
    Corpus,
    PreparedClip,
    is_complete,
    read_record,
    write_clip,
    write_corpus,
)


@dataclass(frozen=True)
class ClipJob(Job[RawClip, PreparedClip]):
    """Prepares clips, whose ``split`` is known."""

    corpus: RawCorpus

    counted = ("clip", "frames")

    def source(self) -> LandmarkSource:
        """A detector, or the files beside the videos."""
        return landmark_source(self.landmarks, self.task)

    def is_complete(self, unit: RawClip) -> bool:
        """Whether everything of the clip is stored."""
        return is_complete(self.output, unit.id)

    def prepare(self, unit: RawClip, source: LandmarkSource) -> PreparedClip:
        """Decode, align, crop; errors as ``prepare_clip``."""
        return prepare_clip(self.corpus, unit, source, side=self.side)

    def store(self, made: PreparedClip) -> Outcome:
        """Write the clip."""
        write_clip(self.output, made)
        return Outcome(made.record.id, pictures=made.record.frames)


def build(job: ClipJob, holdout: Holdout, *, workers: int = 2, limit: int | None = None) -> Summary:
    """Prepare the corpus of ``job``, going on where an earlier run stopped.

    Args:
        job: What to prepare, whereto, and how.
        holdout: The split, where the corpus has no official one.
        workers: Processes; 0 works in this one.
        limit: Take so many clips, spread over the corpus, or all.

    Raises:
        CorpusError: Nothing to prepare, or the output belongs to other settings.
        LandmarkModelError: The landmark networks cannot be loaded.
        OSError: The output cannot be written.
    """
    listed = limited(job.corpus.clips(), limit)
    splits = assign_splits(listed, holdout)
    clips = [dataclasses.replace(clip, split=splits[clip.id]) for clip in listed]
    with claimed(job):
        summary = run(job, clips, workers)
        _finish(job, clips, summary)
    return summary


def _finish(job: ClipJob, clips: Sequence[RawClip], summary: Summary) -> None:
    """Write what was skipped, the manifests, and last the corpus."""
    write_skipped(job.output, summary.skipped)
    records: list[ClipRecord] = []
    for clip in clips:
        if clip.id not in summary.skipped:
            record = read_record(job.output, clip.id)
            records.append(dataclasses.replace(record, split=clip.split or record.split))
    if not records:
        return
    words = tuple(sorted({span.word for record in records for span in record.words}))
    write_corpus(job.output, Corpus(job.corpus.name, job.side, words), records)
    (job.output / LEFT_OUT).unlink(missing_ok=True)
