"""What a preparation does, whatever it prepares: clips, or people."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from data_prep.faces import LandmarkSource

SETTINGS = "prepare.json"
"""File in the output that says what it is prepared with; there before any worker starts."""


class Unit(Protocol):
    """What is complete or not when a run is interrupted."""

    @property
    def id(self) -> str:
        """Name, unique in the corpus."""
        ...


AnyUnit = TypeVar("AnyUnit", bound=Unit)
Made = TypeVar("Made")


@dataclass(frozen=True)
class Outcome:
    """How it went with a unit.

    Attributes:
        unit: Its id.
        pictures: Frames or pictures prepared.
        reason: Why it was skipped, or None.
    """

    unit: str
    pictures: int = 0
    reason: str | None = None


@dataclass(frozen=True)
class Job(ABC, Generic[AnyUnit, Made]):
    """What all units of a run share; travels to the workers.

    Attributes:
        corpus: The raw corpus; it has a ``name``.
        output: Folder of the prepared corpus.
        side: Side S of the crops in pixels.
        landmarks: Where landmarks come from.
        task: Model file of MediaPipe.
        device: Where the networks of face-alignment run: ``cpu``, ``cuda``.
        timeout: Seconds that ``prepare`` may take for a unit; 0 for any.
    """

    corpus: Any
    output: Path
    side: int
    landmarks: str
    task: Path | None = None
    device: str = field(default="cpu", kw_only=True)
    timeout: float = field(default=0.0, kw_only=True)

    counted: ClassVar[tuple[str, str]]
    """What a unit is called, and what its pictures are, in the progress bar."""

    @property
    def settings(self) -> dict[str, Any]:
        """What must not change between the runs that fill one folder."""
        return {"corpus": self.corpus.name, "side": self.side, "landmarks": self.landmarks}

    @abstractmethod
    def source(self) -> LandmarkSource:
        """Load what finds the landmarks.

        Raises:
            LandmarkModelError: A network cannot be loaded.
        """

    @abstractmethod
    def is_complete(self, unit: AnyUnit) -> bool:
        """Whether everything of ``unit`` is stored."""

    @abstractmethod
    def prepare(self, unit: AnyUnit, source: LandmarkSource) -> Made:
        """Read and align; whatever is wrong with the unit is raised."""

    @abstractmethod
    def store(self, made: Made) -> Outcome:
        """Write what ``prepare`` made."""
