"""How videos are compared, and a fingerprint of that by which scores are known again."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from talkface.compare.errors import OptionError
from talkface.faces import LandmarkDetector, build_detector
from talkface.judging import Weighted, seat

FORMAT = 1
"""Counts changes to what the scores of a clip mean or hold."""

SMALLEST = 32
"""Least side of a crop in pixels: SSIM and LPIPS need more than 30."""


@dataclass(frozen=True)
class Settings:
    """What the figures of a clip depend on.

    Attributes:
        side: Side S of the crops in pixels.
        landmarks: Landmark backend, one of ``talkface.faces.BACKENDS``; None reads none, which
            only ``aligned`` videos allow.
        task: Model file of ``"mediapipe"``.
        device: Where ``"face-alignment"`` computes.
        aligned: Frames are aligned square crops already and only scaled.
        mismatch: Frames by which a video may be longer or shorter than the true one.
        offsets: By method, true frames before the first one that it shows.
        syncnet: Weights of SyncNet, for LSE.
        identity: Checkpoint of an identity encoder, for CSIM.
        lpips: Whether to measure LPIPS.
    """

    side: int = 256
    landmarks: str | None = "face-alignment"
    task: Path | None = None
    device: str = "cpu"
    aligned: bool = False
    mismatch: int = 1
    offsets: Mapping[str, int] = field(default_factory=dict)
    syncnet: Path | None = None
    identity: Path | None = None
    lpips: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises:
            OptionError: Videos that are not aligned would have no landmarks.
        """
        if self.landmarks is None and not self.aligned:
            raise OptionError("Videos that are not aligned crops need --landmarks.")

    @property
    def weighted(self) -> Weighted:
        """The metrics that need weights."""
        return Weighted(self.syncnet, self.identity, self.lpips)

    def usable(self) -> tuple["Settings", list[str]]:
        """The same without metrics whose weights cannot be had, and a sentence for each of them."""
        bench = seat(self.weighted, points=False)
        settings = dataclasses.replace(
            self,
            syncnet=None if "LSE" in bench.left_out else self.syncnet,
            identity=None if "CSIM" in bench.left_out else self.identity,
            lpips=self.lpips and "LPIPS" not in bench.left_out,
        )
        return settings, bench.notes

    def detector(self) -> LandmarkDetector | None:
        """Build the landmark backend, if landmarks are to be read.

        Raises:
            LandmarkModelError: It cannot be built.
        """
        if self.landmarks is None:
            return None
        return build_detector(self.landmarks, self.task, self.device)

    def key(self, row: str, real: Path, video: Path | None) -> str:
        """A fingerprint of everything that the figures of one video depend on.

        Files are known by size and time of their last change.
        """
        known = [
            *(FORMAT, self.side, self.landmarks, self.aligned, self.mismatch, self.lpips),
            self.offsets.get(row, 0),
            *map(_mark, (self.task, self.syncnet, self.identity, real, video)),
        ]
        return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:32]


def _mark(file: Path | None) -> list[int] | None:
    if file is None or not file.exists():
        return None
    status = file.stat()
    return [status.st_size, status.st_mtime_ns]
