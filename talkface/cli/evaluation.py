"""What ``talkface test`` measures and where it writes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pytorch_lightning import Callback

from talkface.callbacks import DetectorReader, IdentityRank, MouthMotion, OwnSync, RowFid, TestTable
from talkface.faces import build_detector
from talkface.judging import Weighted, seat

Reader = Literal["fitted", "mediapipe", "face-alignment"]


@dataclass(frozen=True)
class Evaluation(Weighted):
    """How ``talkface test`` judges a checkpoint.

    Args:
        reader: Reads how mouth, eyes and head move: ``fitted``, three small networks fitted on
            crops of the training split when the test starts, or landmarks of a detector, which
            also give their distance and jitter; null leaves the movement out.
        task: MediaPipe's face_landmarker.task, for ``mediapipe``.
        foreign: Also render every clip with the sound of another one, as a control.
        strips: Clips shown in ``strip.png``.
        kept: Clips whose renderings are kept, for figures, reports and W&B.
        sync: Measure lag and confidence of lip sync by the model's own encoders.
    """

    reader: Reader | None = "fitted"
    task: Path | None = None
    foreign: bool = True
    strips: int = 3
    kept: int = 3
    sync: bool = True

    def callbacks(self, folder: Path) -> list[Callback]:
        """The table of results, written into ``folder``, and what enters figures into it.

        Raises:
            LandmarkModelError: The detector of ``reader`` cannot be built.
        """
        detector = None
        if self.reader is not None and self.reader != "fitted":
            detector = DetectorReader(build_detector(self.reader, self.task))
        bench = seat(self, points=detector is not None)
        callbacks: list[Callback] = [
            TestTable(
                folder,
                self.strips,
                judges=bench.judges,
                reader=detector,
                kept=self.kept,
                notes=bench.notes,
            )
        ]
        if self.sync:
            callbacks.append(OwnSync())
        if bench.codes is not None:
            callbacks.append(IdentityRank(bench.codes))
        if bench.fid is not None:
            callbacks.append(RowFid(bench.fid))
        if self.reader is not None:
            callbacks.append(MouthMotion(detector, foreign=self.foreign))
        return callbacks
