"""A raw corpus of portraits to a prepared one: a person is complete or not."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from jaxtyping import UInt8
from torch import Tensor

from data_prep.corpora.portraits import RawPerson, RawPicture, RawPortraits
from data_prep.corpora.raw import CorpusError
from data_prep.engines import Engine, LocalEngine
from data_prep.faces import LandmarkSource, landmark_source
from data_prep.job import Job, Outcome
from data_prep.run import Summary, claimed, limited, run, write_skipped
from data_prep.splits import People, held_out_people, held_out_pictures
from data_prep.worker import reason_to_skip
from talkface.data.portrait_layout import (
    Person,
    PersonEntry,
    PortraitCorpus,
    is_written,
    read_person,
    write_person,
    write_portraits,
)
from talkface.faces.align import align_landmarks


class PersonError(ValueError):
    """One person cannot be used; the others can."""


@dataclass
class PreparedPerson:
    """A person in memory: the aligned pictures, and why others were skipped, by their names."""

    id: str
    pictures: dict[str, UInt8[Tensor, "3 side side"]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PersonJob(Job[RawPerson, PreparedPerson]):
    """Prepares people with at least ``least`` pictures."""

    corpus: RawPortraits
    least: int = 1

    counted = ("person", "pictures")

    def source(self) -> LandmarkSource:
        """A detector, the files beside the pictures, or what the crops have in common."""
        return landmark_source(self.landmarks, self.task, self.device)

    def is_complete(self, unit: RawPerson) -> bool:
        """Whether everything of the person is stored."""
        return is_written(self.output, unit.id)

    def prepare(self, unit: RawPerson, source: LandmarkSource) -> PreparedPerson:
        """Read and align all pictures of a person; those that cannot be used are skipped.

        Raises:
            PersonError: There are too few pictures.
        """
        pictures = self.corpus.pictures(unit)
        _check_count(len(pictures), self.least)
        person = PreparedPerson(unit.id)
        for picture in pictures:
            try:
                person.pictures[picture.name] = self._aligned(picture, source)
            except Exception as error:  # one bad picture must not cost the person
                person.skipped[picture.name] = reason_to_skip(error)
        return person

    def store(self, made: PreparedPerson) -> Outcome:
        """Write the person."""
        write_person(self.output, made.id, made.pictures, made.skipped)
        return Outcome(made.id, pictures=len(made.pictures))

    def _aligned(self, picture: RawPicture, source: LandmarkSource) -> UInt8[Tensor, "3 side side"]:
        frames = self.corpus.read(picture)[None]
        points = source.points(frames, picture.sidecar)
        return align_landmarks(frames, points, self.side).frames[0]


def build_portraits(
    job: PersonJob,
    held_out: People,
    *,
    workers: int = 2,
    limit: int | None = None,
    engine: Engine | None = None,
) -> Summary:
    """Prepare the corpus of ``job``, going on where an earlier run stopped.

    Args:
        job: What to prepare, whereto, and how.
        held_out: The split.
        workers: Processes of this machine; 0 works in this one.
        limit: Take so many people, spread over the corpus, or all.
        engine: Who does the work, instead of processes of this machine.

    Raises:
        CorpusError: Nothing to prepare, too few people or pictures for the split, or the output
            belongs to other settings.
        LandmarkModelError: The landmark networks cannot be loaded.
        OSError: The output cannot be written.
    """
    if held_out.val >= job.least:
        raise CorpusError(
            f"{held_out.val} pictures per person are to be held out, but people with "
            f"{job.least} are to be used. Raise `--least` or lower `--val`."
        )
    people, problems = job.corpus.people()
    chosen = limited(people, limit)
    held_out_people([person.id for person in chosen], held_out)  # fails early, not after hours
    with claimed(job) as held:
        summary = run(job, chosen, engine or LocalEngine(workers), held)
        summary.skipped |= problems
        _finish(job, chosen, held_out, summary)
    return summary


def _finish(
    job: PersonJob, people: Sequence[RawPerson], held_out: People, summary: Summary
) -> None:
    """Write what was skipped, the manifests, and last the corpus."""
    usable: list[Person] = []
    for raw in people:
        if raw.id in summary.skipped:
            continue
        person = read_person(job.output, raw.id)
        summary.skipped |= {f"{raw.id}/{name}": why for name, why in person.skipped.items()}
        try:
            _check_count(len(person.pictures), job.least)
            usable.append(person)
        except PersonError as error:
            summary.skipped[raw.id] = str(error)
    write_skipped(job.output, summary.skipped)
    if usable:
        _write(job, usable, held_out)


def _write(job: PersonJob, people: Sequence[Person], held_out: People) -> None:
    unseen = held_out_people([person.id for person in people], held_out)
    entries: dict[str, list[PersonEntry]] = {"train": [], "val": [], "unseen": []}
    for person in people:
        every = range(len(person.pictures))
        if person.id in unseen:
            entries["unseen"].append(PersonEntry(person.id, person.spans(every)))
            continue
        val = held_out_pictures(person.id, person.pictures, held_out)
        train = [i for i in every if i not in val]
        entries["train"].append(PersonEntry(person.id, person.spans(train)))
        if val:
            entries["val"].append(PersonEntry(person.id, person.spans(sorted(val))))
    classes = tuple(entry.id for entry in entries["train"])
    write_portraits(job.output, PortraitCorpus(job.corpus.name, job.side, classes), entries)


def _check_count(pictures: int, least: int) -> None:
    if pictures < least:
        raise PersonError(
            f"{pictures} usable pictures, but `--least` asks for {least} of every person."
        )
