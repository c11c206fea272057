"""Raw corpora of still faces, sorted by person: MS-Celeb-1M, VGGFace2, CASIA-WebFace and others."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jaxtyping import UInt8
from torch import Tensor

from data_prep.corpora.raw import SIDECAR, CorpusError
from talkface.data.media import read_image

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})


@dataclass(frozen=True)
class RawPerson:
    """A person of a raw corpus, none of whose pictures is opened yet.

    Attributes:
        id: Name, unique in the corpus.
        places: Where the pictures are, as far as the corpus must know it beforehand.
    """

    id: str
    places: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class RawPicture:
    """One picture, not yet opened.

    Attributes:
        name: Unique among those of the person.
        path: The file that it is in.
        offset: Where in the file, if there are others in it.
    """

    name: str
    path: Path
    offset: int = 0

    @property
    def sidecar(self) -> Path:
        """Where its landmarks are, if they were made together with it: float32 of 1 x 68 x 2."""
        return self.path.with_suffix(SIDECAR)


class RawPortraits(Protocol):
    """A raw corpus of portraits: cheap to list, read person by person."""

    @property
    def name(self) -> str:
        """Name of the corpus."""
        ...

    def people(self) -> tuple[list[RawPerson], dict[str, str]]:
        """All people in a fixed order, and why some entries of the corpus cannot be used.

        Raises:
            CorpusError: The folder holds nobody.
        """
        ...

    def pictures(self, person: RawPerson) -> list[RawPicture]:
        """The pictures of a person, in a fixed order."""
        ...

    def read(self, picture: RawPicture) -> UInt8[Tensor, "3 h w"]:
        """Decode a picture.

        Raises:
            ClipError: Its place in the corpus is damaged.
            MediaError: It is no picture.
        """
        ...


@dataclass(frozen=True)
class FolderPortraits:
    """A folder with one folder of pictures per person."""

    source: Path
    name: str = "msceleb"

    def people(self) -> tuple[list[RawPerson], dict[str, str]]:
        """The folders, by name."""
        folders = sorted(self.source.glob("[!.]*/"))
        if not folders:
            raise CorpusError(
                f"No folder under {self.source}. `--source` must be a folder with one folder of "
                "pictures per person, or with `train.rec` and `train.idx` of InsightFace."
            )
        return [RawPerson(folder.name) for folder in folders], {}

    def pictures(self, person: RawPerson) -> list[RawPicture]:
        """All pictures under the folder of a person, by name."""
        folder = self.source / person.id
        return [
            RawPicture(path.relative_to(folder).as_posix(), path)
            for path in sorted(folder.rglob("[!.]*"))
            if path.suffix.lower() in PICTURES
        ]

    def read(self, picture: RawPicture) -> UInt8[Tensor, "3 h w"]:
        """Decode a file."""
        return read_image(picture.path)
